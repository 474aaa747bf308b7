from piqa_cli.report.policy import content_policy

EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"  # of the empty text, from RFC 6234's vectors


def test_each_text_has_its_hash_and_nothing_else_may_run():
    policy = dict(part.split(" ", 1) for part in content_policy(["", "alert(1)"], "").split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == EMPTY
    assert policy["script-src"] == f"{EMPTY} 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    assert "unsafe" not in str(policy)
    assert policy["base-uri"] == policy["form-action"] == policy["trusted-types"] == "'none'"


def test_a_page_without_scripts_allows_none():
    assert "script-src 'none'" in content_policy([], "")
