"""Every text of the pages is said through the catalogue, and the catalogue holds no other."""

import re

from page_texts import APP, fields, texts_of_explore, texts_of_the_answer

from safepassage.app.told.saying import Told, persons
from safepassage.experiments.reports.answer import language
from safepassage.experiments.reports.answer.language import Language

WORDS = re.compile(r"[A-Za-z]{2,}")


def test_the_ukrainian_catalogue_has_every_text_of_both_pages_and_no_other():
    known, _ = language._catalogue("uk")
    answer, explore = texts_of_the_answer(), texts_of_explore()
    assert len(answer) > 70 and len(explore) > 400
    assert set(known) == answer | explore
    assert [text for text, theirs in known.items() if fields(text) != fields(theirs)] == []


def test_no_template_holds_a_text_that_is_not_said_through_the_catalogue():
    for path in sorted((APP / "web").glob("*.vue")):
        template = path.read_text(encoding="utf-8").split("</template>\n<script>")[0]
        if path.name.endswith("_part.vue"):  # components for pages of others, whose language is not ours to choose
            continue
        bare = re.sub(r"\{\{.*?\}\}|<[^<>]*>", " ", re.sub(r'="[^"]*"', "", template))
        assert WORDS.findall(bare) == [], path.name
        assert re.findall(r"""\s(?:title|aria-label|placeholder)="([^"]*)\"""", template) == [], path.name


def test_what_is_kept_is_said_in_the_language_that_the_page_is_in_then():
    told = Told("{order} ({share} do as told)", {"order": Told("Voluntary order to all zones"), "share": "66%"})
    assert str(told) == "Voluntary order to all zones (66% do as told)"
    say = Language("uk")
    ordered, text = say("Voluntary order to all zones"), "{order} ({share} do as told)"
    assert told.said(say) == say(text, order=ordered, share="66%") != str(told)
    assert (
        persons(1, Language("en")) == "1 person" and persons(2, say).startswith("2 ") and persons(2, say) != "2 people"
    )
