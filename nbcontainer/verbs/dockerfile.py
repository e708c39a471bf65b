"""The declaration of `%%dockerfile`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, refused, switch
from nbcontainer.verbs.docker_images import BUILD_FLAGS
from nbcontainer.verbs.grammar import Verb

DOCKERFILE = Verb(
    "",
    "Builds an image from the cell, a Dockerfile. PATH is the build context, sent only if COPY or ADD needs it.",
    (
        positional("PATH", help="the build context's folder (default .)", required=False, completes="path",
                   control=True),
        *BUILD_FLAGS,
        refused("-f", "--file", help="the cell is the Dockerfile", cure="%docker build -f FILE PATH builds a file."),
        option("--add", help="put a Python variable (str or bytes) into the context as a file", kind="mapping",
               metavar="PATH=VARIABLE", own=True, completes="variable", to="files"),
        option("--save", help="also write the Dockerfile to a file", own=True, metavar="PATH", completes="path",
               control=True),
        option("--into", help="also store the result in a Python variable", own=True, metavar="NAME", control=True),
        switch("--bg", help="build in the background and return immediately", own=True, control=True),
        switch("--raw", help="do not replace {{name}}", own=True, control=True),
    ),
    example='%%dockerfile -t hello:1 --add hello.sh=script\nFROM busybox\nCOPY hello.sh /\nCMD ["sh", "/hello.sh"]',
    command=("docker", "build"),
    body="yes",
    same_as="images.build",
)  # fmt: skip
