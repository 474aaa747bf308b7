import pytest

from piqa_cli.errors import OutputError
from piqa_cli.report.options import ReportOptions
from piqa_cli.report.target import check_page


@pytest.mark.parametrize("name", ["report.html", "REPORT.HTM"])
def test_web_pages_are_written(tmp_path, name):
    check_page(ReportOptions(tmp_path / name))


@pytest.mark.parametrize("name", ["report", "report.pdf", "scores.csv", "a.jpg", "no/such/report.html"])
def test_anything_else_is_not(tmp_path, name):
    with pytest.raises(OutputError):
        check_page(ReportOptions(tmp_path / name))


def test_only_reports_are_overwritten(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<!doctype html><title>my homepage</title>")
    with pytest.raises(OutputError, match="no report of piqa"):
        check_page(ReportOptions(page))
    check_page(ReportOptions(page, force=True))
    page.write_text('<!doctype html><meta name="generator" content="piqa 0.0.1 report">')
    check_page(ReportOptions(page))
    page.write_text("")
    check_page(ReportOptions(page))


def test_a_folder_is_no_page_even_with_force(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError):
        check_page(ReportOptions(tmp_path / "report.html", force=True))
