"""Charts as SVG text: small pure functions. Colours are classes of the page's style sheet, so that they follow dark mode."""
