"""snakemake --lint, but for one lint that is not about this workflow.

It wants a conda environment or container for each rule. Every rule here runs the package itself, in the environment
that Snakemake was started from (environment.yml); an environment of its own would not hold the package.
"""

import re
import subprocess
import sys

NOT_HERE = "Specify a conda environment or container for each rule."


def main() -> int:
    """Print the other lints; 1 if there is one, or if the workflow could not be read."""
    done = subprocess.run([sys.executable, "-m", "snakemake", "--lint"], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    titles = re.findall(r"^    \* (.+?):?$", said, re.MULTILINE)
    if not titles and done.returncode:
        print(said)
        return 1
    others = [title for title in titles if title != NOT_HERE]
    print("\n".join(others) or "workflow: no lints")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
