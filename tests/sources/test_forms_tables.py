"""Each table that forms are read by has a copy here: a row that no example reads is missed here when it goes."""

from __future__ import annotations

import pytest

from functions.sources.forms.reading import body
from functions.sources.forms.recognition import consent, countries, phrases
from functions.sources.forms.submission import Field
from functions.sources.forms.vendors import (
    elementor,
    fillout,
    google,
    hubspot,
    tally,
    typeform,
    webflow,
    wufoo,
)

COUNTRIES = {
    "AE": ("united arab emirates", "uae"),
    "AR": ("argentina", "argentine", "argentinien"),
    "AT": ("austria", "osterreich", "autriche", "oostenrijk"),
    "AU": ("australia", "australie", "australien"),
    "BE": ("belgium", "belgique", "belgie", "belgien", "belgica", "belgio"),
    "BR": ("brazil", "brasil", "bresil", "brasilien", "brasile", "brazilie"),
    "CA": ("canada", "kanada"),
    "CH": ("switzerland", "suisse", "schweiz", "svizzera", "suiza", "suica", "zwitserland"),
    "CL": ("chile", "chili"),
    "CN": ("china", "chine", "cina"),
    "CO": ("colombia", "colombie", "kolumbien"),
    "CZ": ("czech republic", "czechia", "tschechien", "republique tcheque"),
    "DE": ("germany", "deutschland", "allemagne", "alemania", "germania", "duitsland", "alemanha"),
    "DK": ("denmark", "danmark", "danemark", "dinamarca", "danimarca", "denemarken"),
    "DZ": ("algeria", "algerie"),
    "EG": ("egypt", "egypte"),
    "ES": ("spain", "espana", "espagne", "spanien", "spagna", "spanje", "espanha"),
    "FI": ("finland", "suomi", "finlande", "finnland"),
    "FR": ("france", "frankreich", "francia", "frankrijk", "franca"),
    "GB": (
        "united kingdom",
        "uk",
        "great britain",
        "england",
        "scotland",
        "wales",
        "royaume uni",
        "angleterre",
        "grossbritannien",
        "vereinigtes konigreich",
        "reino unido",
        "regno unito",
        "verenigd koninkrijk",
    ),
    "GR": ("greece", "grece", "griechenland", "grecia", "griekenland"),
    "HU": ("hungary", "magyarorszag", "hongrie", "ungarn"),
    "IE": ("ireland", "irlande", "irland", "irlanda", "ierland"),
    "IL": ("israel",),
    "IN": ("india", "inde", "indien"),
    "IT": ("italy", "italia", "italie", "italien"),
    "JP": ("japan", "japon", "giappone", "japao", "日本"),
    "KR": ("south korea", "korea", "coree du sud", "대한민국"),
    "LU": ("luxembourg", "luxemburg", "letzebuerg"),
    "MA": ("morocco", "maroc", "marokko", "marruecos"),
    "MX": ("mexico", "mexique", "mexiko", "messico"),
    "NL": (
        "netherlands",
        "the netherlands",
        "nederland",
        "holland",
        "pays bas",
        "niederlande",
        "paises bajos",
        "paesi bassi",
    ),
    "NO": ("norway", "norge", "norvege", "norwegen", "noruega", "noorwegen"),
    "NZ": ("new zealand", "nouvelle zelande", "neuseeland"),
    "PE": ("peru", "perou"),
    "PL": ("poland", "polska", "pologne", "polen", "polonia"),
    "PT": ("portugal", "portogallo"),
    "RO": ("romania", "roumanie", "rumanien"),
    "SA": ("saudi arabia", "arabie saoudite"),
    "SE": ("sweden", "sverige", "suede", "schweden", "suecia", "svezia", "zweden"),
    "SG": ("singapore", "singapour", "singapur"),
    "SN": ("senegal",),
    "TN": ("tunisia", "tunisie"),
    "TR": ("turkey", "turkiye", "turquie", "turkei", "turquia"),
    "UA": ("ukraine", "ucrania"),
    "US": (
        "united states",
        "united states of america",
        "usa",
        "u s a",
        "america",
        "etats unis",
        "vereinigte staaten",
        "estados unidos",
        "stati uniti",
        "verenigde staten",
    ),
    "ZA": ("south africa", "afrique du sud", "sudafrika"),
}
LANGUAGES = {
    "ar": ("arabic", "arabe", "arabisch", "العربية"),
    "de": ("german", "deutsch", "allemand", "aleman", "tedesco", "duits", "alemao"),
    "en": ("english", "anglais", "englisch", "ingles", "inglese", "engels"),
    "es": ("spanish", "espanol", "espagnol", "spanisch", "spagnolo", "spaans", "espanhol", "castellano"),
    "fr": ("french", "francais", "franzosisch", "frances", "francese", "frans"),
    "it": ("italian", "italiano", "italien", "italienisch", "italiaans"),
    "ja": ("japanese", "japonais", "japanisch", "japones", "日本語"),
    "nl": ("dutch", "nederlands", "neerlandais", "niederlandisch", "holandes", "olandese"),
    "pl": ("polish", "polski", "polonais", "polnisch", "polaco", "polacco", "pools"),
    "pt": ("portuguese", "portugues", "portugais", "portugiesisch", "portoghese", "portugees"),
    "zh": ("chinese", "chinois", "chinesisch", "chino", "cinese", "chinees", "中文"),
}
CODECS = {
    "utf-8": ("utf-8", "us-ascii"),
    "cp1252": ("iso-8859-1", "latin1", "windows-1252"),
    "iso-8859-2": ("iso-8859-2",),
    "cp1250": ("windows-1250",),
    "cp1251": ("windows-1251",),
    "iso-8859-15": ("iso-8859-15",),
    "cp932": ("shift_jis",),
    "euc-jp": ("euc-jp",),
    "gb18030": ("gbk", "gb2312"),
    "big5hkscs": ("big5",),
    "cp949": ("euc-kr",),
}
# language   words that are a tick alone, texts that begin a yes, words that make it none
YES_AND_NO = {
    "de": (
        ("ja",),
        ("ja", "ich stimme zu", "ich mochte", "ich willige ein", "einverstanden"),
        ("nicht", "kein", "keine", "nie"),
    ),
    "en": (
        (
            "on",
            "true",
            "yes",
            "y",
            "1",
            "x",
            "ok",
            "checked",
            "ticked",
            "selected",
            "agreed",
            "accepted",
            "subscribed",
        ),
        (
            "yes",
            "i agree",
            "i accept",
            "i consent",
            "i want",
            "i would like",
            "i d like",
            "sign me up",
            "count me in",
            "subscribe",
            "agree",
            "accept",
        ),
        ("no", "not", "don t", "never"),
    ),
    "es": (("si",), ("si", "acepto", "quiero", "de acuerdo"), ("no",)),
    "fr": (
        ("oui",),
        ("oui", "j accepte", "je consens", "je souhaite", "je veux", "d accord"),
        ("non", "pas"),
    ),
    "it": (("si",), ("si", "accetto", "acconsento"), ("no", "non")),
    "nl": (("ja",), ("ja", "akkoord", "ik ga akkoord"), ("niet", "geen")),
    "pt": (("sim",), ("sim", "aceito", "concordo", "quero"), ("nao",)),
}
KINDS = {
    "tally": {
        "text": ("INPUT_TEXT", "TEXTAREA", "INPUT_TIME"),
        "email": ("INPUT_EMAIL",),
        "phone": ("INPUT_PHONE_NUMBER",),
        "date": ("INPUT_DATE",),
        "url": ("INPUT_LINK",),
        "number": ("INPUT_NUMBER", "LINEAR_SCALE", "RATING"),
        "choice": ("MULTIPLE_CHOICE", "DROPDOWN", "MULTI_SELECT", "CHECKBOXES", "RANKING", "MATRIX"),
        "file": ("FILE_UPLOAD", "SIGNATURE"),
        "computed": ("CALCULATED_FIELDS", "PAYMENT", "RESPONDENT_COUNTRY"),
    },
    "webflow": {
        "text": ("FormTextInput", "FormTextarea"),
        "choice": ("FormSelect", "FormRadioInput"),
        "boolean": ("FormCheckboxInput",),
        "file": ("FormFileUploadInput", "FormFileUpload"),
    },
    "fillout": {
        "text": ("ShortAnswer", "LongAnswer", "TimePicker", "DateTimePicker"),
        "email": ("EmailInput",),
        "phone": ("PhoneNumber",),
        "date": ("DatePicker",),
        "url": ("URLInput",),
        "number": ("NumberInput", "CurrencyInput", "Slider", "OpinionScale", "StarRating"),
        "choice": ("MultipleChoice", "Dropdown", "Checkboxes", "MultiSelect", "ImagePicker", "Ranking"),
        "boolean": ("Checkbox", "Switch"),
        "file": ("FileUpload", "AudioRecording", "Signature"),
        "computed": ("Payment",),
    },
    "google": {
        "text": ("TEXT", "PARAGRAPH_TEXT", "DATETIME", "TIME", "DURATION"),
        "choice": ("MULTIPLE_CHOICE", "LIST", "CHECKBOX", "GRID", "CHECKBOX_GRID"),
        "number": ("SCALE", "RATING"),
        "date": ("DATE",),
        "file": ("FILE_UPLOAD",),
    },
    "elementor": {
        "text": ("text", "textarea"),
        "email": ("email",),
        "phone": ("tel",),
        "url": ("url",),
        "date": ("date",),
        "number": ("number",),
        "file": ("upload",),
        "choice": ("radio", "select", "checkbox"),
        "consent": ("acceptance",),
    },
    "wufoo": {
        "text": ("text", "textarea"),
        "email": ("email",),
        "phone": ("phone",),
        "url": ("url",),
        "date": ("date", "eurodate"),
        "number": ("number", "money", "rating"),
        "file": ("file",),
        "choice": ("radio", "select", "checkbox"),
    },
    "hubspot": {
        "email": ("email",),
        "phone": ("phone", "mobilephone"),
        "url": ("website",),
    },
    "typeform": {
        "text": ("text", "payment"),
        "email": ("email",),
        "phone": ("phone_number",),
        "url": ("url",),
        "file": ("file_url",),
        "date": ("date",),
        "number": ("number",),
        "boolean": ("boolean",),
        "choice": ("choice", "choices"),
    },
}
TABLES = {
    "tally": tally.KINDS,
    "webflow": webflow.KINDS,
    "fillout": fillout.KINDS,
    "google": google.KINDS,
    "elementor": elementor.KINDS,
    "wufoo": wufoo.KINDS,
    "hubspot": hubspot.KINDS,
    "typeform": {name: kind for name, (kind, _) in typeform.ANSWERS.items()},
}


def rows(copy: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the copy the other way round: what is written → what it means."""
    return {text: meaning for meaning, texts in copy.items() for text in texts}


def test_every_name_of_a_country_is_its_code() -> None:
    assert {name: countries.region(name.upper()) for name in rows(COUNTRIES)} == rows(COUNTRIES)
    assert len(rows(COUNTRIES)) == len(countries.COUNTRY_BY_NAME)


def test_every_name_of_a_language_is_its_code() -> None:
    assert {name: countries.language(name.upper()) for name in rows(LANGUAGES)} == rows(LANGUAGES)
    assert len(rows(LANGUAGES)) == len(countries.LANGUAGE_BY_NAME)


def test_every_charset_that_browsers_name_has_its_codec() -> None:
    for name, codec in rows(CODECS).items():
        assert body.charset(f'x; charset="{name.upper()}"') == codec
        fields = body.decoded([(b"_charset_", name.encode()), (b"a", "é".encode("cp1252"))], body.MULTIPART)
        assert fields[1] == ("a", body.as_text("é".encode("cp1252"), codec))
    assert rows(CODECS) == body.CHARSETS


@pytest.mark.parametrize("language", YES_AND_NO)
def test_every_word_for_yes_is_a_tick_and_every_word_for_no_makes_it_none(language: str) -> None:
    ticks, beginnings, refusals = YES_AND_NO[language]
    for text in (*ticks, *(f"{yes} 2026" for yes in beginnings)):
        assert consent.is_ticked(Field("f", "f", "", text.title())), text
        for no in refusals:
            assert not consent.is_ticked(Field("f", "f", "", f"{text}, {no}")), (text, no)


def test_no_language_has_other_words_for_yes_and_no() -> None:
    tables = {
        path.stem: table
        for path, table in zip(sorted(phrases.LANGUAGES.glob("*.toml")), phrases.languages(), strict=True)
    }
    assert {
        name: (
            tuple(table["words"]["ticked"]),
            tuple(table["phrases"]["affirmative"]),
            tuple(table["phrases"]["negative"]),
        )
        for name, table in tables.items()
    } == YES_AND_NO


@pytest.mark.parametrize("vendor", TABLES)
def test_every_type_of_question_of_a_vendor_is_of_its_kind(vendor: str) -> None:
    assert TABLES[vendor] == rows(KINDS[vendor])


def test_hubspots_names_are_called_as_people_call_them() -> None:
    assert hubspot.LABELS == {
        "firstname": "First name",
        "lastname": "Last name",
        "mobilephone": "Mobile phone",
        "jobtitle": "Job title",
        "hs_language": "Language",
    }
