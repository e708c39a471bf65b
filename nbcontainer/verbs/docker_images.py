"""The declarations of `%docker build`, `push`, `images` …, and the flags of a build."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE, PLATFORMS

FILTERS = ("dangling=true", "dangling=false", "label=", "reference=", "before=", "since=")

IMAGE = positional("IMAGE", help="the image's name", completes="image")

BUILD_FLAGS = (  # `%%dockerfile` has them too
    option("-t", "--tag", help="name and tag of the image", kind="list", metavar="NAME[:TAG]", completes="image",
           to="tags"),
    switch("--push", help="push the image once it is built"),
    option("--build-arg", help="value of an ARG, kept in the image's history (a password is a --secret); if no value "
           "is given, the environment's", kind="mapping", hidden=True,
           to="build_args"),
    option("--secret", help="a build secret: id=NAME[,env=VARIABLE | ,src=FILE]; with neither, you are asked for it",
           kind="list", metavar="id=NAME,…", to="secrets"),
    option("--ssh", help="an ssh agent for RUN --mount=type=ssh", kind="list", metavar="default|ID=SOCKET"),
    option("--target", help="the stage to build", completes="stage"),
    option("--platform", help="the platform to build for", metavar="OS/ARCH", suggests=PLATFORMS),
    option("--label", help="metadata of the image", kind="mapping", to="labels"),
    option("--annotation", help="an annotation of the image", kind="mapping", to="annotations"),
    option("--build-context", help="an additional named build context", kind="mapping", metavar="NAME=PATH",
           to="build_contexts"),
    option("--cache-from", help="an image whose layers may be used as cache", kind="list", completes="image"),
    option("-o", "--output", help="where to write the result instead of the engine's images: a folder, or "
           "type=local|tar|oci|docker,dest=PATH", kind="list", metavar="DEST", to="outputs"),
    switch("--load", help="keep the image in the engine (the default)", control=True),
    switch("--no-cache", help="do not use the build cache"),
    option("--no-cache-filter", help="a stage that must not use the cache", kind="list", metavar="STAGE"),
    switch("--pull", help="always pull newer base images"),
    option("--network", help="network of RUN steps", choices=("default", "none", "host")),
    option("--add-host", help="an additional line for /etc/hosts", kind="list", metavar="HOST:IP", to="add_hosts"),
    option("--shm-size", help="size of /dev/shm", metavar="SIZE"),
    option("--ulimit", help="a limit, such as nofile=1024", kind="list", to="ulimits"),
    option("--cgroup-parent", help="the cgroup of RUN steps"),
    option("--allow", help="a privilege for RUN steps", kind="list", choices=("network.host", "security.insecure")),
    option("--builder", help="a buildx builder's name, or a BuildKit address"),
    option("--iidfile", help="write the image's id to a file", metavar="PATH", completes="path", control=True),
    option("--metadata-file", help="write the image's id, digest and names to a file, as JSON", metavar="PATH",
           completes="path", control=True),
    switch("-q", "--quiet", help="show no progress, only return the result", control=True),
    option("--progress", help="how progress is shown; plain: as lines, with all output of the steps",
           choices=("auto", "plain", "tty", "quiet"), control=True),
    option("--provenance", help="an attestation; only false is supported", choices=("false",), control=True),
    option("--sbom", help="an attestation; only false is supported", choices=("false",), control=True),
    switch("--check", help="check the text without building it, also by BuildKit's checks if it is available",
           control=True),
    ENGINE,
)  # fmt: skip

BUILD = Verb(
    "build",
    "Builds an image from a Dockerfile in the build context.",
    (
        positional("PATH", help="the build context's folder", completes="path", control=True),
        option("-f", "--file", help="the Dockerfile (default PATH/Dockerfile)", completes="path", control=True),
        *BUILD_FLAGS,
    ),
    example="%docker build -t web:1 ./web",
    command=("docker", "build"),
    aliases=("image build",),
    same_as="images.build",
)

VERBS = (
    Verb(
        "push",
        "Pushes an image to the registry in its name.",
        (IMAGE, switch("-q", "--quiet", help="show no progress, only return the result", control=True), ENGINE),
        example="%docker push registry.example.com/team/web:1",
        command=("docker", "push"),
        aliases=("image push",),
        calls="images.push",
    ),
    Verb(
        "pull",
        "Pulls an image from a registry.",
        (
            IMAGE,
            option("--platform", help="the platform to pull", metavar="OS/ARCH", suggests=PLATFORMS),
            switch("-q", "--quiet", help="show no progress, only return the result", control=True),
            ENGINE,
        ),
        example="%docker pull busybox",
        command=("docker", "pull"),
        aliases=("image pull",),
        calls="images.pull",
    ),
    Verb(
        "tag",
        "Adds another name to an image.",
        (IMAGE, positional("TARGET", help="the new name", completes="image"), ENGINE),
        example="%docker tag web:1 registry.example.com/team/web:1",
        command=("docker", "tag"),
        aliases=("image tag",),
        calls="images.tag",
    ),
    Verb(
        "images",
        "Lists images.",
        (
            positional("NAME", help="only images with this name", required=False, completes="image"),
            switch("-a", "--all", help="include intermediate images"),
            option("-f", "--filter", help="filter, such as label=tier=db", kind="list", to="filters", suggests=FILTERS),
            switch("--no-trunc", help="do not shorten ids"),
            switch("-q", "--quiet", help="only the ids", control=True),
            ENGINE,
        ),
        example="%docker images",
        command=("docker", "images"),
        aliases=("image ls", "image list"),
        calls="images.list",
        quiet="IMAGE ID",
    ),
)
