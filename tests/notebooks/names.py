"""The names of what a lesson creates: no other reader has them, though a class may share an engine and a registry."""

import contextlib
import json
import re

import nbformat
import yaml

from nbcontainer.dockerfile.substitution import substitute_word
from nbcontainer.errors import UsageError
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.verbs.parser import parse

MAGIC = re.compile(r"^\s*(?:\w+ *= *)?%%?(dockerfile|docker|kpod|kube)\b(.*)$", re.MULTILINE)
NAMES_OF = {
    "images.build": "tags",
    "images.tag": "target",
    "images.push": "image",
    "containers.run": "name",
    "volumes.create": "name",
    "networks.create": "name",
    "pods.create": "name",
}
"""The argument with the name of what each verb creates or replaces."""
STATE = """
def _finish(variables):
    import json
    import nbcontainer
    from nbcontainer.engines import connection, images

    identity, engine = nbcontainer.notebook_id(), connection.find_engine()
    print(json.dumps([identity, {name: value for name, value in variables.items() if isinstance(value, str)}]))
    names = [name for image in images.list_images(engine) for name in image.tags or image.digests]
    for name in names:
        if identity in name:  # the same image may also have another reader's name
            images.remove(engine, name)

_finish({name: value for name, value in globals().items() if not name.startswith("_")})
"""


def created(code, variables):
    """The names that the magics in a cell create or replace."""
    names = []
    for magic, line in MAGIC.findall(code):
        with contextlib.suppress(UsageError):  # a line that is wrong on purpose creates nothing
            verb, words = verbs_of(magic).magic.split(line)
            values = parse(verb, [substitute_word(word, variables) for word in words])
            key = NAMES_OF.get(verb.calls or verb.same_as)
            found = values[key] if key else None
            names += [found] if isinstance(found, str) else found or ()
    return [name for name in names if name] + _applied(code, variables)


def _applied(code, variables):
    """The names in the manifests of a cell that applies them."""
    line, _, manifests = code.partition("\n")
    if not line.startswith("%%kube apply"):
        return []
    documents = yaml.safe_load_all(substitute_word(manifests, variables))
    return [document["metadata"]["name"] for document in documents]


def is_own(name, identity):
    """Whether no other reader has this name: the notebook's id is in it, or it ends with something random."""
    return identity in name or re.search(r"-[0-9a-f]{4}$", name) is not None


def state_cell():
    """The last cell of a lesson's test: it prints the names in it, and removes its images."""
    return nbformat.v4.new_code_cell(STATE)


def check_names(cells):
    """Fail if an executed lesson, of which the last cell is `state_cell`, created something that is not its own."""
    *cells, state = cells
    identity, variables = json.loads(state.outputs[0].text)
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    names = [name for source in code for name in created(source, variables)]
    assert names
    assert [name for name in names if not is_own(name, identity)] == []
