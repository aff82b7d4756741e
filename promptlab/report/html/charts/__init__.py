"""Charts: altair's specifications of views, drawn as SVG or PNG here, without a browser."""
