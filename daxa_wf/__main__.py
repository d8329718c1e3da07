"""Run the command `daxa-wf` as `python -m daxa_wf`."""

from daxa_wf.cli.main import main

main()
