"""The command line: arguments in, reports out; no arithmetic.

Pydantic would look for plugins that are installed beside the program, which takes longer than reading a playbook.
"""

import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
