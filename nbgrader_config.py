"""nbgrader's settings for this course; nbgrader reads it wherever its commands run from this folder."""

c = get_config()  # noqa: F821  (traitlets provides it)

c.CourseDirectory.course_id = "eecs182"

# What students find in place of an answer.
c.ClearSolutions.code_stub = {
    "python": "# YOUR CODE HERE: replace the line below by your answer\n"
    'raise NotImplementedError("This question is not answered yet: write your code in its cell and run that cell.")'
}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE: double-click, replace this line, then press Shift+Enter."
# Rubrics stand in the locked prompt above a written answer: removed for students, back again for graders.
c.ClearMarkScheme.enforce_metadata = False

c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "autograder.adapters.nbgrader.AddColabSetup",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
    "autograder.adapters.nbgrader.AddOtterChecks",
    "autograder.adapters.nbgrader.PrepareForStudents",
]
# Slips of format that Jupyter forgives cost nothing.
c.Autograde.exporter_class = "autograder.adapters.nbgrader.SubmittedNotebookExporter"
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "autograder.adapters.nbgrader.RebuildSubmission",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.adapters.nbgrader.GradeInSandbox",
    "nbgrader.preprocessors.OverwriteCells",
    "autograder.adapters.nbgrader.KeepOnlyErrors",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "autograder.adapters.nbgrader.SaveGradesAndNotes",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Students see what the hidden tests found, not their code, and no rubrics.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "autograder.adapters.nbgrader.HideTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
# Anyone can put folders into the exchange. Only regular files that belong to the student are collected and graded.
c.ExchangeFactory.collect = "autograder.adapters.exchange.CollectOwnFiles"
c.Autograde.pre_convert_hook = "autograder.adapters.nbgrader.set_links_aside"
# A student who did not submit through the exchange does not stop the release of feedback to the others.
c.ExchangeFactory.release_feedback = "autograder.adapters.exchange.ReleaseWhatCanBeFetched"
# How long a cell may take is in source/*/assignment.toml; `c.GradeInSandbox.timeout`, in seconds, overrides it.
# `nbgrader autograde NAME --GradeInSandbox.isolation=none` runs students' code unprotected.
