"""Images of an engine: build, check, push, pull, tag, list; methods have docker's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import engines, ledger
from nbcontainer.api.nouns import EngineNoun, filter_words, noun_of, sections_of
from nbcontainer.call_arguments import same_arguments
from nbcontainer.errors import DockerfileError, EngineUnavailable, Problem, Protected, UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.fixes import CheckReport
from nbcontainer.model.images import ImageFacts
from nbcontainer.model.requests import request_of
from nbcontainer.model.results import Described, Description, Remark, Report
from nbcontainer.model.secrecy import Secret
from nbcontainer.model.source_map import SourceMap
from nbcontainer.model.tables import Column, Row, Table, Tone
from nbcontainer.protection import Place, changes, guard, place_of_engine, places_of_builder, reads

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.model.build import BuildEvent, BuildResult, BuildState
    from nbcontainer.model.images import TransferEvent, TransferResult, TransferState
    from nbcontainer.operation import Operation

COLUMNS = (
    Column("REPOSITORY"),
    Column("TAG"),
    Column("IMAGE ID"),
    Column("CREATED", "age"),
    Column("SIZE", "bytes"),
)
NONE = "<none>"

SHOWN_IN_MB = 100_000  # bytes


@dataclass(frozen=True, repr=False)
class Image(Described, ImageFacts):
    """An image, and what can be done with it.

    Attributes:
        name: its first tag, or a prefix of its id.
        command: `docker image inspect`, for a terminal.
    """

    name: str = ""
    where: str = ""
    command: str = ""
    _images: Images | None = field(default=None, repr=False, compare=False)

    def push(self, tag: str = "") -> Operation[TransferEvent, TransferState, TransferResult]:
        """Push it from the engine on which it was found; raises as `Images.push`.

        Args:
            tag: which of its names to push; "" if it has only one.

        Raises:
            UsageError: it has no name, or several and none is given.
        """
        images = noun_of(self._images, "image", self.name)
        if not tag and len(self.tags) != 1:
            names = f"has {len(self.tags)} names: {', '.join(self.tags)}" if self.tags else "has no name"
            raise UsageError(
                f"The image {self.short_id} {names}.", cure="Say which: push(tag). Add one with tag(target)."
            )
        return images.push(tag or self.tags[0])

    def tag(self, target: str) -> Report:
        """Add another name to it; raises as `Images.tag`."""
        return noun_of(self._images, "image", self.name).tag(self.id, target)

    def description(self) -> Description:
        """Its details."""
        made = datetime.fromtimestamp(self.created, UTC).isoformat(" ", "seconds") if self.created > 0 else ""
        size = f"{self.size / 1e6:,.1f} MB" if self.size >= SHOWN_IN_MB else f"{self.size:,} bytes"
        facts = [("ID", self.id), ("Tags", "\n".join(self.tags)), ("Digests", "\n".join(self.digests))]
        facts += [("Platform", self.platform), ("Created", made), ("Size", size)]
        sections = sections_of(facts, Labels=self.labels)
        return Description("Image", self.name, where=self.where, sections=sections, command=self.command)


class Images(EngineNoun):
    """The images of one engine."""

    kind = "image"

    @reads
    def names(self) -> Sequence[str]:
        """The tags of all images."""
        return [name for image in engines.images.list_images(self._engine.connect()) for name in image.tags]

    @changes
    def build(
        self,
        dockerfile: str,
        *,
        context: str | None = ".",
        files: Mapping[str, str | bytes] | None = None,
        tags: Sequence[str] = (),
        build_args: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        target: str = "",
        platform: str = "",
        ignore: str | None = None,
        annotations: Mapping[str, str] | None = None,
        secrets: Sequence[Secret] = (),
        ssh: Mapping[str, str] | None = None,
        outputs: Sequence[str] = (),
        allow: Sequence[str] = (),
        no_cache: bool = False,
        no_cache_filter: Sequence[str] = (),
        pull: bool = False,
        push: bool = False,
        network: str = "",
        add_hosts: Sequence[str] = (),
        shm_size: str = "",
        ulimits: Sequence[str] = (),
        cgroup_parent: str = "",
        build_contexts: Mapping[str, str] | None = None,
        cache_from: Sequence[str] = (),
        builder: str = "",
        attributes: Mapping[str, str] | None = None,
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
        command: Sequence[str] = (),
    ) -> Operation[BuildEvent, BuildState, BuildResult]:
        """Build an image.

        For protection every build counts as a change, even with `outputs`: its RUN steps, the ONBUILD steps of its base
        image and the frontend named by `# syntax=` are executed by the builder, and fill its cache.

        Args:
            dockerfile: the text of the Dockerfile.
            context: the build context: a folder, sent only if COPY or ADD needs it, or a URL; None for none.
            files: files added to the context, by path; a str is encoded as UTF-8.
            tags: the image's names.
            build_args: the values of ARGs. They are in neither a command nor a step's name, but in the image's history,
                and in what steps print: a password is a secret.
            labels: metadata of the image.
            target: the stage to build; "" for the last.
            platform: such as "linux/arm64"; "" for the engine's own.
            ignore: ignore patterns for this Dockerfile, used instead of the context's .dockerignore.
            annotations: annotations of the image.
            secrets: build secrets.
            ssh: ssh agents: the socket of each id.
            outputs: where to write the result instead of the engine's images: a folder, or "type=tar,dest=out.tar".
            allow: privileges of RUN steps: "network.host", "security.insecure".
            no_cache: do not use the build cache.
            no_cache_filter: stages that must not use the cache.
            pull: always pull newer base images.
            push: whether to push the image once it is built.
            network: the network of RUN steps: "none" or "host".
            add_hosts: additional lines for /etc/hosts, "HOST:IP".
            shm_size: the size of /dev/shm, such as "64m".
            ulimits: limits, such as "nofile=1024".
            cgroup_parent: the cgroup of RUN steps.
            build_contexts: additional named contexts: folders, images or URLs.
            cache_from: images whose layers may be used as cache.
            builder: a buildx builder's name, or a BuildKit address; the image is loaded into this engine.
            attributes: additional attributes for the Dockerfile frontend.
            source_map: maps the text's lines to the lines of the user's own text, for errors.
            command: the words of the docker command, for the result; () to derive it from the arguments.

        Raises:
            DockerfileError: the text has errors that are found before anything is sent; lists all of them.
            EngineUnavailable: no engine answers.
            Protected: the engine or the builder is protected and not named.
        """
        request = request_of(BuildRequest, locals())
        try:
            engine = self._engine.connect()
            _guard_building(places_of_builder(builder), self._engine.name, builder)
        except (EngineUnavailable, Protected):
            engines.build.check_request(request)  # the text's errors come first: finding them needs no engine
            raise
        operation = engines.build.build(engine, request, command=command)
        operation.when_done(partial(_note_image, operation, engine.address))
        return operation

    @reads
    @same_arguments(build)
    def check(self, **given: object) -> CheckReport:
        """Check a Dockerfile without building it, with BuildKit's own checks too if an engine with BuildKit answers.

        It takes the arguments of `build`. BuildKit's checks run the image of a frontend that the text names; on a
        protected engine those checks are skipped.

        Raises:
            DockerfileError: it has errors, or BuildKit would not build it; with the lines of the user's own text. So it
                is with a finding of BuildKit's checks where the text says `# check=error=true`.
            EngineUnavailable: the named builder cannot be reached.
        """
        request = request_of(BuildRequest, given)
        there = None if request.builder else engines.connection.engine_at_hand(self._engine.name)
        problems = engines.build.check_request(
            request,
            every_stage=not request.target,
            variables=partial(engines.images.variables, there) if there else None,
        )[1]
        linted = self._lint(request)
        errors = [problem for problem in linted or () if problem.severity == "error"]
        if errors:
            raise DockerfileError(errors)
        problems = engines.build_lint.joined(problems, linted)
        findings = [problem for problem in problems if problem.source[:1].isupper()]
        if findings and engines.build.findings_are_errors(request):
            raise DockerfileError([replace(problem, severity="error") for problem in findings])
        if not problems:
            return CheckReport((Remark("No problems were found without building the Dockerfile."),))
        return CheckReport(tuple(map(_remark, problems)), problems=tuple(problems))

    def _lint(self, request: BuildRequest) -> list[Problem] | None:
        """What BuildKit's own checks find; None if no engine with BuildKit answers."""
        try:
            engine = self._engine.connect()
        except EngineUnavailable:
            return None
        if not engines.build.has_buildkit(engine, request):
            return None
        if frontend := engines.build.frontend_of(request):
            try:
                places = places_of_builder(request.builder) or [place_of_engine(engine)]
                changes(_guard_building)(places, self._engine.name, request.builder)
            except Protected as refusal:
                left_out = (
                    f"BuildKit's own checks were skipped: they would run {frontend}, and the engine is protected."
                )
                return [Problem(0, left_out, "warning", suggestion=refusal.cure)]
        return engines.build_lint.lint(engine, request)

    @changes
    def push(self, image: str) -> Operation[TransferEvent, TransferState, TransferResult]:
        """Push an image to the registry in its name.

        Raises (from `result()`):
            AuthFailed: the registry does not accept the credentials, or requires some.
            PushFailed: the push did not complete.
            NotFound: there is no such image.
            EngineUnavailable: the connection to the engine was lost.
        """
        return engines.images.push(self._engine.connect(), image)

    @changes
    def pull(self, image: str, *, platform: str = "") -> Operation[TransferEvent, TransferState, TransferResult]:
        """Pull an image; `result()` raises as for `push`, with PullFailed instead of PushFailed.

        Args:
            image: its name; without a tag or digest, "latest" is pulled.
            platform: such as "linux/arm64"; "" for the engine's own.
        """
        return engines.images.pull(self._engine.connect(), image, platform=platform)

    @changes
    def tag(self, image: str, target: str) -> Report:
        """Add another name to an image.

        Raises:
            UsageError: `target` is not a valid image name, or has a digest.
            NotFound: there is no such image.
        """
        engine = self._engine.connect()
        engines.images.tag(engine, image, target)
        return Report((Remark(f"{image} is also {target}"),), engine.commands.command("tag", image, target))

    @reads
    def list(
        self,
        *,
        name: str = "",
        all: bool = False,  # noqa: A002 - docker's own flag
        filters: Sequence[str] = (),
        no_trunc: bool = False,
    ) -> Table:
        """The table of images, with a row for each tag, newest first.

        Args:
            name: only images with this name; `*` matches anything.
            all: include intermediate images.
            filters: docker's filters, such as "dangling=true" or "label=tier=db".
            no_trunc: do not shorten ids.
        """
        engine, chosen = self._engine.connect(), engines.objects.filters_of(filters)
        if name:
            chosen["reference"] = [*chosen.get("reference", ()), name]
        rows = []
        for image in engines.images.list_images(engine, every=all, filters=chosen):
            unnamed = tuple(f"{engines.images.shown_name(each.partition('@')[0])}:{NONE}" for each in image.digests[:1])
            for shown in image.tags or unnamed or (f"{NONE}:{NONE}",):
                repository, _, tag = shown.rpartition(":")
                id_shown = image.id if no_trunc else image.short_id
                rows.append(
                    Row(
                        f"{shown} {image.id}",
                        (repository, tag, id_shown, image.created, image.size),
                        name=image.short_id if tag == NONE else shown,
                        kind="image",
                        labels=image.labels,
                    )
                )
        words = [*(["--all"] * all), *(["--no-trunc"] * no_trunc), *filter_words(filters)]
        command = engine.commands.command("images", *words, *([name] if name else []))
        return self._table(engine, COLUMNS, rows, command, lambda row: self._at(engine).get(row.name))

    @reads
    def get(self, name: str) -> Image:
        """One image.

        Args:
            name: one of its names, its id, or a prefix of its id.

        Raises:
            NotFound: there is no such image; the error suggests a similar name.
        """
        engine = self._engine.connect()
        return self._image(engine, engines.images.get(engine, name))

    def _image(self, engine: Connected, facts: ImageFacts) -> Image:
        name = facts.tags[0] if facts.tags else facts.short_id
        command = engine.commands.command("image", "inspect", name)
        return Image(**vars(facts), name=name, where=engine.name, command=command, _images=self._at(engine))


def _remark(problem: Problem) -> Remark:
    """A problem in a report, with the name of BuildKit's rule, which `# check=skip=` needs."""
    rule = f" ({problem.source})" if problem.source[:1].isupper() else ""
    where = f"line {problem.line}: " if problem.line else ""
    return Remark(f"{where}{problem.message}{rule}", Tone.WARNING, problem.suggestion)


def _note_image(operation: Operation[BuildEvent, BuildState, BuildResult], engine: str) -> None:
    """Write a finished build's image into the notebook's ledger."""
    if operation.error is None and (built := operation.result()).id:
        ledger.note_image(ledger.BuiltImage(engine, built.id, built.tags))


def _guard_building(places: Sequence[Place], engine: str, builder: str) -> None:
    """Refuse to build in a protected place; a buildkitd is named by `builder`, since no context leads to it."""
    for place in places:
        guard(place, engine, builder if place.kind == "buildkitd" else "")
