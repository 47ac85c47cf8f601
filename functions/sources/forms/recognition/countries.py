"""Names of countries and languages as people write them in forms, in English and in the languages spoken there."""

from __future__ import annotations

from bridge.profiles import normalise
from functions.sources.forms.reading.words import sentence

# code   names, accents aside
COUNTRIES = {
    "AE": "united arab emirates, uae",
    "AR": "argentina, argentine, argentinien",
    "AT": "austria, osterreich, autriche, oostenrijk",
    "AU": "australia, australie, australien",
    "BE": "belgium, belgique, belgie, belgien, belgica, belgio",
    "BR": "brazil, brasil, bresil, brasilien, brasile, brazilie",
    "CA": "canada, kanada",
    "CH": "switzerland, suisse, schweiz, svizzera, suiza, suica, zwitserland",
    "CL": "chile, chili",
    "CN": "china, chine, cina",
    "CO": "colombia, colombie, kolumbien",
    "CZ": "czech republic, czechia, tschechien, republique tcheque",
    "DE": "germany, deutschland, allemagne, alemania, germania, duitsland, alemanha",
    "DK": "denmark, danmark, danemark, dinamarca, danimarca, denemarken",
    "DZ": "algeria, algerie",
    "EG": "egypt, egypte",
    "ES": "spain, espana, espagne, spanien, spagna, spanje, espanha",
    "FI": "finland, suomi, finlande, finnland",
    "FR": "france, frankreich, francia, frankrijk, franca",
    "GB": "united kingdom, uk, great britain, england, scotland, wales, royaume uni, angleterre, "
    "grossbritannien, vereinigtes konigreich, reino unido, regno unito, verenigd koninkrijk",
    "GR": "greece, grece, griechenland, grecia, griekenland",
    "HU": "hungary, magyarorszag, hongrie, ungarn",
    "IE": "ireland, irlande, irland, irlanda, ierland",
    "IL": "israel",
    "IN": "india, inde, indien",
    "IT": "italy, italia, italie, italien",
    "JP": "japan, japon, giappone, japao, 日本",
    "KR": "south korea, korea, coree du sud, 대한민국",
    "LU": "luxembourg, luxemburg, letzebuerg",
    "MA": "morocco, maroc, marokko, marruecos",
    "MX": "mexico, mexique, mexiko, messico",
    "NL": "netherlands, the netherlands, nederland, holland, pays bas, niederlande, paises bajos, paesi bassi",
    "NO": "norway, norge, norvege, norwegen, noruega, noorwegen",
    "NZ": "new zealand, nouvelle zelande, neuseeland",
    "PE": "peru, perou",
    "PL": "poland, polska, pologne, polen, polonia",
    "PT": "portugal, portogallo",
    "RO": "romania, roumanie, rumanien",
    "SA": "saudi arabia, arabie saoudite",
    "SE": "sweden, sverige, suede, schweden, suecia, svezia, zweden",
    "SG": "singapore, singapour, singapur",
    "SN": "senegal",
    "TN": "tunisia, tunisie",
    "TR": "turkey, turkiye, turquie, turkei, turquia",
    "UA": "ukraine, ucrania",
    "US": "united states, united states of america, usa, u s a, america, etats unis, vereinigte staaten, "
    "estados unidos, stati uniti, verenigde staten",
    "ZA": "south africa, afrique du sud, sudafrika",
}

# code   names, accents aside
LANGUAGES = {
    "ar": "arabic, arabe, arabisch, العربية",
    "de": "german, deutsch, allemand, aleman, tedesco, duits, alemao",
    "en": "english, anglais, englisch, ingles, inglese, engels",
    "es": "spanish, espanol, espagnol, spanisch, spagnolo, spaans, espanhol, castellano",
    "fr": "french, francais, franzosisch, frances, francese, frans",
    "it": "italian, italiano, italien, italienisch, italiaans",
    "ja": "japanese, japonais, japanisch, japones, 日本語",
    "nl": "dutch, nederlands, neerlandais, niederlandisch, holandes, olandese",
    "pl": "polish, polski, polonais, polnisch, polaco, polacco, pools",
    "pt": "portuguese, portugues, portugais, portugiesisch, portoghese, portugees",
    "zh": "chinese, chinois, chinesisch, chino, cinese, chinees, 中文",
}


def by_name(table: dict[str, str]) -> dict[str, str]:
    return {sentence(name): code for code, names in table.items() for name in names.split(", ")}


COUNTRY_BY_NAME = by_name(COUNTRIES)
LANGUAGE_BY_NAME = by_name(LANGUAGES)


def region(text: str) -> str:
    """Return the country's code; a text that names none we know is left as it is."""
    return COUNTRY_BY_NAME.get(sentence(text)) or normalise.region(text) or text


def language(text: str) -> str:
    """Return the language's code; a text that names none we know is left as it is."""
    return LANGUAGE_BY_NAME.get(sentence(text)) or normalise.language(text) or text
