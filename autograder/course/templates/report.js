"use strict";
// Sorts a table by the column whose heading is pressed; pressed again, the other way round.
function value(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
}
function compare(a, b) {
  return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
}
for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = heading.closest("table").tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(value(a, heading.cellIndex), value(b, heading.cellIndex)));
    body.append(...(ascending ? rows : rows.reverse()));
  });
}
// Shows the students whose row contains what is typed.
const filter = document.getElementById("filter");
const students = [...document.getElementById("student-table").tBodies[0].rows];
function show() {
  const wanted = filter.value.trim().toLowerCase();
  let shown = 0;
  for (const row of students) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = wanted ? `${shown} of ${students.length}` : "";
}
filter.addEventListener("input", show);
// A link to a student must find the row, filtered out or not.
window.addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.hidden) {
    filter.value = "";
    show();
    target.scrollIntoView();
  }
});
