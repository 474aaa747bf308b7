"""One target in this process, for a time: `python -m tests.fuzz.child TARGET ENGINE SECONDS SEED FOLDER`."""

from __future__ import annotations

import hashlib
import json
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.fuzz.mutation import TOKENS, damaged, random_edits

SLOW_S = 10.0
_MEMORY = 3_000_000_000  # bytes of address space on top of what is mapped at the start


class Tries:
    """Runs single inputs, counts them, and keeps those that break the contract, one for each place in the code."""

    def __init__(self, target: object, folder: Path, scratch: Path) -> None:
        self.target = target
        self.folder = folder
        self.scratch = scratch
        self.tried = 0
        self._current = folder / f"{target.name}.input"  # type: ignore[attr-defined]
        self._told = 0.0

    def __call__(self, data: bytes) -> None:
        self._current.write_bytes(data)
        started = time.process_time()
        try:
            self.target.attempt(data, self.scratch)  # type: ignore[attr-defined]
        except Exception as error:
            self._keep(data, error)
        if time.process_time() - started > SLOW_S:
            self._keep(data, TimeoutError(f"{time.process_time() - started:.0f} s of CPU"))
        self.tried += 1
        if time.monotonic() - self._told > 1:
            self.tell()

    def tell(self) -> None:
        self._told = time.monotonic()
        state = self.folder / f"{self.target.name}.state"  # type: ignore[attr-defined]
        state.write_text(json.dumps({"tried": self.tried}))

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{type(error).__name__} {[(f.filename, f.lineno) for f in frames[-3:]]}"
        name = f"{self.target.name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"  # type: ignore[attr-defined]
        path = self.folder / f"{name}.bin"
        if not path.exists() or path.stat().st_size > len(data):  # the shortest is the easiest to read
            path.write_bytes(data)
            text = "".join(traceback.format_exception(error))
            (self.folder / f"{name}.txt").write_bytes(text.encode("utf-8", "backslashreplace"))

    def finish(self) -> None:
        self.tell()
        self._current.unlink(missing_ok=True)


def main() -> None:
    name, engine, seconds, seed, folder = sys.argv[1:]
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["piqa_cli", "piqa_training", "exifread"]):
            from tests.fuzz.targets import target_called
    else:
        from tests.fuzz.targets import target_called
    with tempfile.TemporaryDirectory(prefix="piqa-fuzz-") as scratch:
        tries = Tries(target_called(name), Path(folder), Path(scratch))
        if engine == "atheris":
            _with_atheris(tries, int(seconds), int(seed), Path(scratch))
        else:
            _at_random(tries, float(seconds), int(seed))


def _at_random(tries: Tries, seconds: float, seed: int) -> None:
    _limit_memory()
    seeds = tries.target.seeds()  # type: ignore[attr-defined]
    rng, end = random.Random(seed), time.monotonic() + seconds
    for data in seeds:
        tries(data)
    while time.monotonic() < end:
        tries(damaged(rng.choice(seeds), random_edits(rng)))
    tries.finish()


def _limit_memory() -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + _MEMORY, mapped + _MEMORY))


def _with_atheris(tries: Tries, seconds: int, seed: int, scratch: Path) -> None:
    """libFuzzer ends the process itself, so the state is told after every second of inputs."""
    import atexit

    import atheris

    corpus, words = scratch / "corpus", scratch / "words"
    corpus.mkdir()
    seeds = tries.target.seeds()  # type: ignore[attr-defined]
    for number, data in enumerate(seeds):
        (corpus / str(number)).write_bytes(data)
    words.write_text("".join(f'"{_quoted(token)}"\n' for token in TOKENS if len(token) <= 64))
    tries.scratch = scratch / "inputs"
    tries.scratch.mkdir()
    rng = random.Random(seed)

    def mutate(data: bytes, size: int, _seed: int) -> bytes:
        """libFuzzer's own edits half of the time, piqa's the other half: the decoders in C give no coverage."""
        if rng.random() < 0.5:
            return atheris.Mutate(data, size)
        return damaged(data if rng.random() < 0.5 else rng.choice(seeds), random_edits(rng))[:size]

    atexit.register(tries.finish)
    longest = 2 * max(map(len, seeds)) + 4096
    flags = [f"-max_total_time={max(1, seconds - 5)}", f"-seed={seed}", f"-max_len={longest}", f"-dict={words}"]
    flags += ["-rss_limit_mb=4000", "-timeout=60", "-verbosity=0", f"-artifact_prefix={tries.folder}/native-"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], tries, custom_mutator=mutate)
    try:
        atheris.Fuzz()
    finally:
        tries.finish()


def _quoted(token: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in token)


if __name__ == "__main__":
    main()
