"""What was asked of the gates. Free of polars: a bad policy is found before anything is scored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from piqa_cli.commands.file_names import check_apart, check_kept, check_outside
from piqa_cli.commands.gate_options import Annotations, parse_resolution
from piqa_cli.errors import UsageError
from piqa_cli.gates.policy import Limits, Policy
from piqa_cli.outputs.tabular import check_target
from piqa_cli.ranking.options import is_score_table
from piqa_cli.ranking.score_file_head import look_at_head


@dataclass(frozen=True, slots=True)
class GateRequest:
    """Gates, baseline and result files of one command line. Call `check` before the work, once."""

    policy_file: Path | None = None
    limits: Limits = field(default_factory=Limits)  # options; they go before the policy's whole-set limits
    baseline: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    json: Path | None = None
    sarif: Path | None = None
    code_quality: Path | None = None
    annotations: Annotations | None = None
    policy: Policy = field(default_factory=Policy)  # set by `check`
    few: bool = False  # photos named one by one, as pre-commit names those of a commit, and not a whole set

    @property
    def files(self) -> dict[str, Path]:
        """Kind of file -> where it goes."""
        kinds = ("junit", "markdown", "json", "sarif", "code_quality")
        return {kind: path for kind in kinds if (path := getattr(self, kind)) is not None}

    @property
    def checks_dataset(self) -> bool:
        """Whether the dataset checks run too: not for a bare `--fail-under`, since they read the files."""
        return any((self.policy_file, self.baseline, self.files, self.annotations))

    @property
    def asks(self) -> bool:
        """Whether there is anything to judge."""
        return self.checks_dataset or bool(self.limits.asked)

    def check(self) -> GateRequest:
        """This request with its policy read.

        Raises:
            UsageError: the policy has problems (all of them in one message), a limit has no effect, or there is no such
                baseline or it is no table.
            OutputError: a result file could not be written.
        """
        self.check_apart()
        for path in self.files.values():
            check_target(path, any_suffix=True)
        if self.baseline is not None:
            _check_baseline(self.baseline)
        policy = self._policy()
        _check_bad_below(policy)
        return replace(self, policy=policy)

    def _policy(self) -> Policy:
        if self.policy_file is None:
            return Policy(limits=self.limits)
        from piqa_cli.gates.policy_file import read_policy

        policy = read_policy(self.policy_file)
        return replace(policy, limits=self.limits.over(policy.limits))

    def check_apart(self, **others: Path | None) -> None:
        """Find files that would overwrite each other, or what is still to be read; `others` as option -> path.

        Raises:
            UsageError: two options name one file.
        """
        check_apart(gate=self.policy_file, baseline=self.baseline, **self.files, **others)
        check_kept([self.baseline], [*self.files.values(), *others.values()])

    def check_outside(self, table: Path) -> None:
        """See that nothing lies in the folder that a table is to be written to: the baseline would be gone when read.

        Raises:
            UsageError: a file does.
        """
        check_outside([table], [self.baseline, *self.files.values()])


def make_request(
    *,
    gate: Path | None,
    fail_under: float | None,
    max_bad_pct: float | None,
    bad_below: float | None,
    max_errors: int | None,
    min_face_px: int | None,
    max_no_face_pct: float | None,
    require_single_face: bool,
    require_open_eyes: bool,
    min_resolution: str | None,
    max_duplicates: int | None,
    max_near_duplicates: int | None,
    baseline: Path | None,
    junit: Path | None,
    markdown: Path | None,
    json: Path | None,
    sarif: Path | None,
    code_quality: Path | None,
    annotations: Annotations | None,
) -> GateRequest:
    """What the options of `gate_options` say, checked, with the policy read.

    Raises:
        UsageError, OutputError: see `GateRequest.check`.
    """
    limits = Limits(
        fail_under=fail_under,
        max_bad_pct=max_bad_pct,
        bad_below=bad_below,
        max_errors=max_errors,
        min_face_px=min_face_px,
        max_no_face_pct=max_no_face_pct,
        require_single_face=require_single_face or None,  # a flag that is not given leaves the policy as it is
        require_open_eyes=require_open_eyes or None,
        min_resolution=parse_resolution(min_resolution),
        max_duplicates=max_duplicates,
        max_near_duplicates=max_near_duplicates,
    )
    return GateRequest(gate, limits, baseline, junit, markdown, json, sarif, code_quality, annotations).check()


def _check_bad_below(policy: Policy) -> None:
    """A limit that limits nothing must not look as if it did."""
    where = [""] if policy.limits.bad_below is not None and not policy.asks("max_bad_pct") else []
    where += [
        f' in [folders."{section.glob}"]'
        for section in policy.sections
        if section.limits.bad_below is not None and section.limits.over(policy.limits).max_bad_pct is None
    ]
    if where:
        what = f"bad-below{where[0]} has no effect without max-bad-pct"
        raise UsageError(what, hint="say with max-bad-pct how many percent of the photos may be bad, or use fail-under")


def _check_baseline(path: Path) -> None:
    hint = "--baseline takes a table that piqa score -o wrote"
    if not (path.is_file() or path.is_dir()):
        raise UsageError(f"no such file: {path}", hint=hint)
    if not is_score_table(path):
        raise UsageError(f"{path} is no score table", hint=hint)
    look_at_head(path)
