"""The importer, on checkpoints of the published layout with the smallest Swin; the real size is in the exact tests."""

import json
import sys
from itertools import islice

import pytest
import torch
from safetensors import safe_open

from piqa_cli.errors import ModelError, OutputError, UsageError
from piqa_cli.model import published_liqe
from piqa_cli.model.checkpoint import load_branch, load_model
from piqa_cli.model.config import load_config
from piqa_cli.model.prompts import text_layout, tokenize
from piqa_cli.model.published import import_published
from piqa_cli.model.published_liqe import liqe_tensors
from piqa_cli.model.published_swin import branch_tensors, network_tensors
from piqa_cli.model.store import SOURCE_FILE, STARTING_FILE, find_model, list_models
from tests.model.published import (
    REFERENCE,
    SMALL,
    SWIN_BASE,
    clip_layout,
    dn_piqa_layout,
    filled,
    gfiqa_layout,
    hollow,
    lsvq_layout,
    official,
)

SHIFTED = "feature_extraction.feature_extraction.layers.0.downsample.norm.weight"


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="no reference folder")
def test_these_layouts_are_the_published_ones():
    assert dn_piqa_layout(hidden=128, **SWIN_BASE) == official("dn_piqa")
    assert clip_layout() == official("liqe")


def test_every_tensor_finds_its_place(tmp_path):
    state = {name: tensor.clone() for name, tensor in hollow(dn_piqa_layout()).items()}
    for number, name in enumerate(state):
        state[name] = torch.full((), float(number)).expand(state[name].shape)
    tensors = network_tensors(state, tmp_path, SMALL)
    assert tensors["full.net.layers.1.downsample.norm.weight"] is state[SHIFTED]
    assert (
        tensors["face.net.norm.bias"]
        is state["feature_extraction_face.feature_extraction.feature_extraction.norm.bias"]
    )
    assert tensors["head.3.weight"] is state["quality.3.weight"]
    assert len({id(tensor) for tensor in tensors.values()}) == len(tensors)


BROKEN = [
    (lambda s: s.pop(SHIFTED), f"{SHIFTED} is missing"),
    (lambda s: s.update(stranger=torch.zeros(1)), "stranger is not known"),
    (lambda s: s.update({"quality.3.bias": torch.zeros(2)}), "quality.3.bias is (2,), wanted (1,)"),
    (
        lambda s: s.update({"quality.3.bias": torch.zeros(1, dtype=torch.int8)}),
        "quality.3.bias is int8, wanted floating point",
    ),
    (lambda s: [s.pop(name) for name in list(s) if name.startswith("quality.")], "and 1 more"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=["missing", "foreign", "shape", "kind", "many"])
def test_a_dn_piqa_checkpoint_that_does_not_fit_is_named_in_its_own_words(change, message, tmp_path):
    state = hollow(dn_piqa_layout())
    change(state)
    with pytest.raises(ModelError) as caught:
        network_tensors(state, tmp_path / "PIQ_model.pth", SMALL)
    assert message in caught.value.message
    assert "PIQ_model.pth" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("visual.proj"), "visual.proj is missing"),
        (lambda s: s.pop("token_embedding.weight"), "token_embedding.weight is missing"),
        (lambda s: s.update(text_features=torch.zeros(1)), "text_features is not known"),
        (
            lambda s: s.update({"visual.conv1.weight": torch.zeros(()).expand(768, 3, 16, 16)}),
            "visual.conv1.weight is (768, 3, 16, 16), wanted (768, 3, 32, 32)",
        ),
    ],
    ids=["image", "text", "foreign", "another CLIP"],
)
def test_a_liqe_checkpoint_that_does_not_fit_is_named_in_its_own_words(change, message, tmp_path):
    state = hollow(clip_layout())
    change(state)
    with pytest.raises(ModelError) as caught:
        liqe_tensors(state, tmp_path / "LIQE.pt")
    assert message in caught.value.message


def test_the_numbers_in_openai_s_archives_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(published_liqe, "encode_prompts", lambda text: torch.zeros(495, 512))
    state = hollow(clip_layout()) | {"input_resolution": torch.tensor(224), "vocab_size": torch.tensor(49408)}
    assert liqe_tensors(state, tmp_path)["image.head.weight"].shape == (512, 768)


@pytest.fixture(scope="module")
def branches(scratch):
    """The pre-trained networks as files, LSVQ's in half precision."""
    half = {n: t.half() if t.is_floating_point() else t for n, t in filled(lsvq_layout()).items()}
    torch.save(half, scratch / "LSVQ.pth")
    torch.save({f"module.{n}": t for n, t in filled(gfiqa_layout()).items()}, scratch / "GFIQA.pth")
    return scratch / "LSVQ.pth", scratch / "GFIQA.pth"


def test_pretrained_branches_become_starting_weights(branches, tmp_path):
    full, face = branches
    imported = import_published(full=full, face=face, folder=tmp_path / "start", config=SMALL)
    assert imported.starting
    assert imported.parts["full"] == "LSVQ.pth"
    assert imported.parts["face"] == "GFIQA.pth"
    assert imported.parts["head"].startswith("none")
    assert imported.files["full"].dropped == [
        "quality.0.weight",
        "quality.0.bias",
        "quality.1.weight",
        "quality.1.bias",
    ]
    assert json.loads((tmp_path / "start" / SOURCE_FILE).read_text())["parts"] == imported.parts
    assert load_config(tmp_path / "start").auxiliary == "none"  # no LIQE was given
    with safe_open(tmp_path / "start" / STARTING_FILE, "pt") as stored:
        assert stored.get_tensor("full.net.norm.weight").dtype == torch.float16
        assert stored.get_tensor("face.net.norm.weight").dtype == torch.float32
    config, weights = load_branch(tmp_path / "start", "face")
    assert config == SMALL.face
    expected = torch.load(face, weights_only=True)["module.feature_extraction.feature_extraction.norm.weight"]
    assert torch.equal(weights["net.norm.weight"], expected)


def test_starting_weights_do_not_score(branches, tmp_path):
    import_published(full=branches[0], folder=tmp_path / "start", config=SMALL)
    with pytest.raises(ModelError, match="cannot score") as caught:
        load_model(tmp_path / "start")
    assert "piqa train" in caught.value.hint
    assert find_model("start", tmp_path).fingerprint
    assert next(entry for entry in list_models(tmp_path) if entry.name == "start").starting


@pytest.mark.parametrize("given", ["full", "face"])
def test_a_branch_that_is_not_given_starts_as_the_other(given, branches, tmp_path):
    path = branches[given == "face"]
    imported = import_published(**{given: path}, folder=tmp_path / "start", config=SMALL)
    other = "face" if given == "full" else "full"
    assert imported.parts[other] == f"{path.name} (a copy of the other branch)"
    (_, ours), (_, copied) = (load_branch(tmp_path / "start", branch) for branch in (given, other))
    assert ours.keys() == copied.keys()
    assert all(torch.equal(ours[name], copied[name]) for name in ours)


def test_tensors_that_share_memory_are_written_each(tmp_path):
    state = filled(gfiqa_layout())
    tied = [
        name for name, tensor in state.items() if tensor.shape == state[SHIFTED].shape and tensor.is_floating_point()
    ]
    state |= dict.fromkeys(tied, state[SHIFTED])
    torch.save(state, tmp_path / "tied.pth")
    import_published(face=tmp_path / "tied.pth", folder=tmp_path / "start", config=SMALL)
    _, weights = load_branch(tmp_path / "start", "face")
    same = [name for name, tensor in weights.items() if torch.equal(tensor, state[SHIFTED])]
    assert len(same) == len(tied) > 1


def test_a_whole_checkpoint_is_no_branch(tmp_path):
    with pytest.raises(ModelError, match="holds 2 networks") as caught:
        branch_tensors(hollow(dn_piqa_layout()), tmp_path, "full", SMALL)
    assert "--dn-piqa" in caught.value.hint


def test_a_branch_of_another_network_is_named(tmp_path):
    with pytest.raises(ModelError, match="no Swin network in it"):
        branch_tensors({"conv1.weight": torch.zeros(1)}, tmp_path, "full", SMALL)
    other = {f"net.{name}": tensor for name, tensor in hollow(lsvq_layout()).items()}
    other["net.feature_extraction.norm.bias"] = torch.zeros(1024)
    with pytest.raises(ModelError) as caught:
        branch_tensors(other, tmp_path, "full", SMALL)
    assert "net.feature_extraction.norm.bias is (1024,), wanted (768,)" in caught.value.message
    assert SMALL.full.name in caught.value.message


def test_names_of_today_s_timm_are_known_too(tmp_path):
    renamed = {}
    for name, tensor in hollow(lsvq_layout()).items():
        stage = next((s for s in range(3) if f"layers.{s}.downsample" in name), None)
        if stage is not None:
            name = name.replace(f"layers.{stage}.", f"layers.{stage + 1}.")
        if not name.endswith(("attn_mask", "relative_position_index")):
            renamed[name] = tensor
    tensors, dropped = branch_tensors(
        renamed | {"feature_extraction.head.fc.bias": torch.zeros(9)}, tmp_path, "full", SMALL
    )
    assert "full.net.layers.3.downsample.norm.bias" in tensors
    assert "feature_extraction.head.fc.bias" in dropped


@pytest.mark.parametrize(
    "given",
    [{}, {"liqe": "L"}, {"dn_piqa": "P"}, {"dn_piqa": "P", "liqe": "L", "full": "F"}],
    ids=lambda g: "+".join(g),
)
def test_files_that_do_not_go_together_are_refused(given, tmp_path):
    with pytest.raises(UsageError) as caught:
        import_published(**{role: tmp_path / name for role, name in given.items()}, folder=tmp_path / "new")
    assert caught.value.hint
    assert not any(tmp_path.iterdir())


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_existing_model_stays_unless_told_otherwise(branches, tmp_path):
    full, face = branches
    folder = tmp_path / "start"
    import_published(full=full, folder=folder, config=SMALL)
    before = files(folder)
    with pytest.raises(UsageError, match="is there already"):
        import_published(full=face, folder=folder, config=SMALL)
    with pytest.raises(ModelError):  # a file that fails after the folder was begun
        import_published(full=full, face=tmp_path / "missing.pth", folder=folder, config=SMALL, overwrite=True)
    assert files(folder) == before
    import_published(full=face, folder=folder, config=SMALL, overwrite=True)
    assert files(folder) != before
    assert [path.name for path in tmp_path.iterdir()] == ["start"]


def test_a_folder_that_is_no_model_is_never_replaced(branches, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match="no model folder"):
        import_published(full=branches[0], folder=tmp_path / "photos", config=SMALL, overwrite=True)
    assert list(files(tmp_path / "photos")) == ["a.jpg"]


def test_a_failed_import_leaves_nothing_behind(tmp_path):
    torch.save(dict(islice(hollow(dn_piqa_layout()).items(), 50)), tmp_path / "PIQ_model.pth")
    with pytest.raises(ModelError, match="is missing"):
        import_published(tmp_path / "PIQ_model.pth", tmp_path / "LIQE.pt", folder=tmp_path / "m" / "new", config=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["PIQ_model.pth"]


def test_an_unwritable_place_is_an_output_error(branches, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        import_published(full=branches[0], folder=tmp_path / "file" / "new", config=SMALL)


@pytest.mark.parametrize("encode", [lambda: text_layout(), lambda: tokenize(["a"])], ids=["tower", "tokens"])
def test_without_open_clip_the_message_says_what_to_install(encode, monkeypatch):
    for module in ("open_clip", "open_clip.transformer"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelError, match="open_clip") as caught:
        encode()
    assert "piqa-cli[liqe]" in caught.value.hint


def test_half_precision_stays_in_the_file_and_is_widened_when_read(branches, tmp_path):
    full, _ = branches
    import_published(full=full, folder=tmp_path / "start", config=SMALL)
    _, weights = load_branch(tmp_path / "start", "full")
    stored = torch.load(full, weights_only=True)["feature_extraction.norm.weight"]
    assert stored.dtype == torch.float16
    assert torch.equal(weights["net.norm.weight"], stored.float())


def test_half_precision_clip_weights_stay_half_and_texts_do_not(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(published_liqe, "encode_prompts", lambda text: seen.update(text) or torch.zeros(495, 512))
    state = {name: tensor.half() for name, tensor in hollow(clip_layout()).items()}
    tensors = liqe_tensors(state, tmp_path)
    assert {tensor.dtype for name, tensor in tensors.items() if name != "text"} == {torch.float16}
    assert tensors["text"].dtype == torch.float32
    assert seen["text_projection"].dtype == torch.float16  # widened where it is encoded
