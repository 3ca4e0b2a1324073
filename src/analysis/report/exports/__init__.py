"""Tables and figures as files that go into a paper: Excel, Word, LaTeX, CSV; PDF, SVG, PNG."""
