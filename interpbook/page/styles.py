"""How tables of claims and of numbers look where the book's own style sheet is not: in Colab, in JupyterLab."""

# Legible without the book's own stylesheet (Colab, JupyterLab), in light and in dark: the colours come from
# the page, the lines are half-transparent grey. The book may restyle by class name.
CLAIMS_STYLE = (
    "<style>"
    ".ib-claims{border-collapse:collapse;width:100%;font-size:.92em;color:inherit;background:transparent}"
    ".ib-claims caption{text-align:left;font-weight:600;padding:.3em 0}"
    ".ib-claims th,.ib-claims td{text-align:left!important;vertical-align:top;padding:.45em .8em .45em 0;"
    "border-bottom:1px solid rgba(128,128,128,.4);white-space:normal!important;color:inherit;"
    "background:transparent}"
    ".ib-claims td:first-child{width:44%}.ib-claims small{opacity:.85;display:block}"
    ".ib-claims .measured,.ib-verdict{white-space:nowrap}.ib-verdict{font-weight:600}"
    ".ib-scroll{overflow-x:auto}"
    "@media(max-width:480px){.ib-claims thead{display:none}.ib-claims td,.ib-claims td:first-child"
    "{display:block;width:auto;padding:.2em 0;border:0}.ib-claims tr{display:block;padding:.4em 0;"
    "border-bottom:1px solid rgba(128,128,128,.4)}}"
    "</style>"
)
TABLE_STYLE = (
    "<style>"
    ".ib-table{border-collapse:collapse;font-size:.92em;color:inherit;background:transparent}"
    ".ib-table caption{text-align:left;font-weight:600;padding:.3em 0}"
    ".ib-table th,.ib-table td{text-align:left!important;padding:.3em 1.6em .3em 0;color:inherit;"
    "background:transparent;border-bottom:1px solid rgba(128,128,128,.4)}"
    ".ib-table tbody th{font-weight:400}.ib-table .measured{white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".ib-scroll{overflow-x:auto}"
    "</style>"
)
