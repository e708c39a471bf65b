"""JSON documents that are wrong in one place, for what reads those of other programs."""

import copy

NONSENSE = (None, 7, True, "nonsense", [], ["x"], [None], [7], {}, {"x": ["y"]})


def changed(whole):
    """The document with nonsense in place of each of its values, one at a time."""
    paths = [()]
    for path in paths:  # which grows meanwhile
        found = whole
        for key in path:
            found = found[key]
        below = found if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
        paths += [(*path, key) for key in below]
    for *path, last in paths[1:]:
        for nonsense in NONSENSE:
            document = holder = copy.deepcopy(whole)
            for key in path:
                holder = holder[key]
            holder[last] = nonsense
            yield document
