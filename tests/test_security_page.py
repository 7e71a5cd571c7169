"""What docs/security.md says: each sentence has the test that holds it, and none is there without one."""

# ruff: noqa: E501  (a row of the table is a line)
from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HELD: dict[str, tuple[str, ...]] = {
    "Keys are read from the environment": ("test_canary::test_a_run_that_fails_leaves_no_form_of_the_key", "target/test_gateway::test_a_header_goes_to_the_target_and_its_files_and_to_nobody_else"),
    "Explanations, curl commands, tracebacks": ("test_canary::test_a_run_that_fails_leaves_no_form_of_the_key", "test_canary::test_an_internal_error_leaves_no_form_of_the_key"),
    "The headers that": ("target/test_gateway::test_a_header_goes_to_the_target_and_its_files_and_to_nobody_else",),
    "Variables in them": ("test_gateway::test_a_profile_has_headers_and_a_certificate_and_the_token_is_nowhere",),
    "Of values written out": ("target/test_gateway::test_what_a_server_repeats_of_a_header_is_hidden",),
    "A base URL with a user": ("pytest_plugin/test_scrubbing::test_a_key_in_a_base_url_is_hidden_above_the_run",),
    "An argument that holds a key": ("pytest_plugin/test_keys_in_arguments::test_a_key_in_an_argument_is_refused_before_anything_shows_it", "pytest_plugin/test_keys_in_arguments::test_a_key_in_the_id_of_a_test_is_refused"),
    "A text is searched whole": ("test_shown::test_a_text_may_be_clipped_anywhere_in_a_key", "test_shown::test_only_the_redactor_makes_text_that_may_be_shown"),
    "A key is recognised": ("test_artefacts::test_a_key_is_nowhere_after_a_run", "test_artefacts::test_a_key_is_in_nothing_that_a_command_writes", "redaction/test_covered::test_a_key_is_found_in_every_spelling",),
    "Each of them, and the key itself": ("redaction/test_covered::test_a_key_is_found_in_every_spelling",),
    "A text may have been cut": ("redaction/test_covered::test_eight_characters_of_a_key_count_as_the_key",),
    "Exceptions are": ("redaction/test_covered::test_public_keys_stay_readable_beside_a_key_that_begins_alike", "redaction/test_covered::test_eight_characters_of_a_key_count_as_the_key"),
    "A shorter key": ("redaction/test_covered::test_a_short_key_is_hidden_whole_only",),
    "All of a text is searched": ("redaction/test_covered::test_a_key_is_found_wherever_it_is_in_a_large_text", "redaction/test_covered::test_no_text_costs_more_than_its_length"),
    "A text takes longer": ("redaction/test_covered::test_no_text_costs_more_than_its_length",),
    "If a text is longer": ("redaction/test_covered::test_what_takes_too_much_to_read_is_not_shown_and_all_else_is", "redaction/test_covered::test_ordinary_texts_are_shown_however_long"),
    "Short texts are searched": ("redaction/test_covered::test_a_short_text_is_searched_to_its_end",),
    "Where keys are spelt": ("redaction/test_covered::test_what_costs_too_much_to_trace_is_not_shown", "redaction/test_replacing::test_of_too_many_signatures_none_is_shown", "redaction/test_replacing::test_many_signatures_here_are_none_elsewhere"),
    "Values of the target's cookies": ("redaction/test_redactor::test_secrets_in_an_answer_are_replaced_from_then_on", "redaction/test_redactor::test_two_signatures_still_differ_and_are_replaced_once"),
    "Characters that a terminal": ("redaction/test_redactor::test_terminal_commands_are_shown_as_escapes",),
    "In recordings that others made": ("redaction/test_credentials::test_a_value_under_a_secret_name_is_a_credential", "redaction/test_credentials::test_a_recorded_credential_is_hidden_in_any_spelling"),
    "They are found": ("redaction/test_credentials::test_a_recorded_credential_is_hidden_in_any_spelling", "redaction/test_credentials::test_only_the_latest_credentials_are_remembered"),
    "A user and a password": ("cli/test_audit::test_a_secret_that_is_in_no_field_of_its_own_is_not_printed",),
    "In a recording, only": ("redaction/test_storable::test_only_values_of_harmless_headers_are_stored",),
    "Inline media": ("redaction/test_storable::test_media_are_stored_as_digest_and_length",),
    "**Not covered:**": (),
    "URLs of outputs": ("target/test_reach::test_a_target_on_this_machine_leads_to_itself_and_to_the_public", "target/test_reach::test_another_port_is_not_asked_however_the_host_is_written"),
    "No redirect": ("target/test_reach::test_a_redirect_is_not_followed",),
    "Of what is fetched": ("target/test_reach::test_of_a_file_no_content_is_kept",),
    "What counts is the address": ("target/test_reach::test_public_addresses_are_told_from_all_others", "target/test_reach::test_no_notation_leads_to_another_port"),
    "A target that was reached": ("target/test_reach::test_a_target_that_was_public_does_not_come_to_lead_into_a_network",),
    "Every file that": ("cli/test_no_files::test_what_is_no_file_is_refused_by_every_argument", "reading/test_regular_file::test_what_is_no_file_is_neither_read_nor_written"),
    "(`audit -`": ("recording/test_opening::test_folders_archives_patterns_and_pipes_are_searched", "cli/test_no_files::test_output_that_is_no_file_is_not_written"),
    "`audit`'s patterns": ("cli/test_no_files::test_patterns_do_not_follow_links_in_circles",),
    "A file with the wrong content": ("cli/test_odd_files::test_what_is_in_a_file_that_is_none_of_ours_is_told", "cli/test_odd_files::test_the_files_of_options_of_pytest_are_told_alike"),
    "A file that changes while": ("cli/test_odd_files::test_a_file_may_change_at_each_read_of_it",),
    "A recording, and each file": ("pytest_plugin/test_full_disk::test_workers_of_one_run_share_its_recording",),
    "A second run": ("pytest_plugin/test_full_disk::test_a_second_run_into_the_same_files_is_refused",),
    "The lock is a file": ("reading/test_lock::test_what_a_killed_process_held_is_free",),
    "On a file system without locks": ("reading/test_lock::test_a_file_system_without_locks_is_said_to_be_one",),
    "Where standard output": ("cli/test_streams::test_a_stream_that_cannot_be_written_ends_no_command_in_a_traceback",),
    "`show --body`": ("cli/test_cases::test_show_body_writes_no_key",),
    "Ctrl-C, SIGTERM and SIGHUP": ("pytest_plugin/test_interrupted::test_ctrl_c_is_never_green", "pytest_plugin/test_interrupted::test_other_signals_end_a_run_in_good_order"),
    "Where writing fails": ("pytest_plugin/test_full_disk::test_a_recording_that_cannot_be_written_ends_the_run", "pytest_plugin/test_full_disk::test_each_other_format_can_fail"),
    "A recording and `results.jsonl`": ("reading/test_regular_file::test_a_growing_file_has_whole_pieces_only", "pytest_plugin/test_full_disk::test_results_that_cannot_be_written_are_said_to_be_missing"),
    "A recording or `results.jsonl`": ("pytest_plugin/test_full_disk::test_a_file_that_goes_while_it_is_written_is_told",),
    "If the disk also refuses": ("reading/test_regular_file::test_a_growing_file_has_whole_pieces_only",),
    "The same holds for the part": ("pytest_plugin/test_full_disk::test_the_part_of_one_worker_that_cannot_be_written_ends_the_run", "session/test_record::test_each_write_of_what_gathers_the_parts_can_fail"),
    "All other files": ("cli/test_full_disk::test_each_write_of_a_command_can_fail", "reading/test_regular_file::test_a_file_that_cannot_be_replaced_stays_as_it_was",),
    "A recording that is dated": ("session/test_record::test_a_recording_that_is_too_old_is_not_judged",),
}  # fmt: skip
"""The beginning of each sentence, and what holds it."""


def _list_sentences() -> list[str]:
    """Return the sentences of the page, headings and lists left out."""
    paragraphs = (ROOT / "docs/security.md").read_text(encoding="utf-8").split("\n\n")
    flowing = [" ".join(one.split()) for one in paragraphs if not one.startswith(("#", "- "))]
    return [sentence for one in flowing for sentence in re.split(r"(?<=[.!])\s+(?=[A-Z`(*])", one)]


@pytest.mark.parametrize("sentence", _list_sentences(), ids=lambda sentence: sentence[:30])
def test_each_sentence_has_its_test(sentence: str) -> None:
    """A sentence that is new needs a test, and its beginning a row here; the tests that are named exist."""
    tests = [named for start, names in HELD.items() if sentence.startswith(start) for named in names]
    assert tests or sentence.startswith("**Not covered:**")
    for test in tests:
        file, _, name = test.partition("::")
        assert f"\ndef {name}(" in (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")


def test_no_row_is_left_over() -> None:
    """What the page no longer says has no row."""
    sentences = _list_sentences()
    assert [start for start in HELD if not any(sentence.startswith(start) for sentence in sentences)] == []
