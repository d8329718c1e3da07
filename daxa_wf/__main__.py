"""`python -m daxa_wf` is `daxa-wf`."""

from daxa_wf.cli.main import main

main()
