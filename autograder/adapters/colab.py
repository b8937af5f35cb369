"""What Google Colab needs in a notebook's first cell.

There a student uploads one notebook, without the packages that lie beside it in the download. The first cell therefore
fetches them before it imports any. That is no concern of whoever writes notebooks: the build puts it into what students
get.
"""

_SETUP = """\
import importlib.util
import os
import sys
import zipfile

if "google.colab" in sys.modules and not importlib.util.find_spec("kit"):
    if not os.path.isdir("{name}"):
        from google.colab import files

        print("Choose {name}.zip, the download that this notebook is from:")
        for name in files.upload():
            zipfile.ZipFile(name).extractall()
    os.chdir("{name}")
    sys.path.insert(0, os.getcwd())
if not importlib.util.find_spec("kit"):
    raise ImportError("There is no folder kit here: unpack all of {name}.zip and open this notebook in its folder.")
"""


def with_colab_setup(source: str, assignment: str) -> str:
    """The text of a notebook's first code cell with what makes ``import kit`` work on Google Colab.

    ``source`` is the cell as its author wrote it: a comment line, if there is one, and code that imports ``kit``. What
    is added stands between the two. On Colab it asks for ``<assignment>.zip``, unpacks it and changes into the folder
    ``<assignment>`` that comes out, unless an earlier run did. Anywhere it says, with an ``ImportError``, what to do
    when there is no folder ``kit`` then.
    """
    first, _, rest = source.partition("\n")
    comment, code = (f"{first}\n", rest) if first.startswith("#") else ("", source)
    return comment + _SETUP.format(name=assignment) + "\n" + code.lstrip("\n")
