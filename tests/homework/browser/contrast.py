"""How much text stands out from its background."""

from playwright.sync_api import Locator

LEAST = 4.5  # WCAG 2.1, contrast (minimum)


def contrasts(texts: Locator) -> dict[str, float]:
    """The contrasts of elements that show text, by their colours."""
    return texts.evaluate_all(_RATIOS)


# (L1 + 0.05) / (L2 + 0.05) of the relative luminances, as WCAG 2.1 defines them.
_RATIOS = """elements => {
  const luminance = colour => {
    const [r, g, b] = colour.match(/\\d+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.startsWith("rgba(0, 0, 0, 0")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = {};
  for (const e of elements) {
    const colours = [getComputedStyle(e).color, behind(e)];
    const [low, high] = colours.map(luminance).sort((a, b) => a - b);
    found[colours.join(" on ")] = (high + 0.05) / (low + 0.05);
  }
  return found;
}"""
