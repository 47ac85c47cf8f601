"""Guess which profile attribute a question asks for, from its type and label. Pure.

A label counts only where, but for words of politeness, it says nothing else: `What is your first name?` does,
`First name of your pet` does not. A wrong guess writes into someone's profile; a missing one is a line of settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from functions.forms.reading.words import sentence, set_of, words
from functions.forms.submission import Field, Kind

FULL_NAME = "first_name last_name"
"""A name that is to be split."""
NAME = "name"
"""First, last or full name, as the questions beside it tell: French and German forms ask `Nom` beside `Prénom`."""

# type of the question   attribute
BY_TYPE: dict[Kind, str] = {"email": "$email_address", "phone": "$phone_number"}

# attribute   labels in English, French, German, Spanish, Italian, Dutch, Portuguese; accents and articles aside
LABELS = {
    "$email_address": """
        email, email address, mail, mail address, work email, business email, email id
        adresse email, adresse mail, adresse electronique, courriel, adresse courriel, email professionnel
        emailadresse, mailadresse, email adresse, mail adresse, geschaftliche email
        correo, correo electronico, direccion correo, direccion correo electronico, direccion email
        posta elettronica, indirizzo email, indirizzo mail, indirizzo posta elettronica
        emailadres, email adres, mailadres
        endereco email, correio eletronico, endereco eletronico""",
    "$phone_number": """
        phone, phone number, telephone, telephone number, tel, mobile, mobile number, mobile phone
        mobile phone number, cell, cell phone, cell phone number, phone no, gsm
        numero telephone, portable, telephone portable, numero portable, telephone mobile, numero mobile
        telefon, telefonnummer, handy, handynummer, mobilnummer, rufnummer, mobiltelefon
        telefono, numero telefono, movil, telefono movil, celular, telefono celular, numero celular
        cellulare, numero cellulare, telefoon, telefoonnummer, mobiel nummer, mobiele nummer, gsm nummer
        telefone, numero telefone, telemovel, numero telemovel, telefone celular""",
    "first_name": """
        first name, firstname, given name, forename, fname, first, christian name
        prenom, vorname, vornamen, rufname, nombre pila, primer nombre
        nome proprio, nome battesimo, voornaam, primeiro nome""",
    "last_name": """
        last name, lastname, surname, family name, lname, last
        nom famille, nachname, familienname, zuname, apellido, apellidos, primer apellido
        cognome, achternaam, familienaam, sobrenome, apelido, ultimo nome""",
    FULL_NAME: """
        full name, fullname, first and last name, name and surname, name surname, first name last name
        nom complet, prenom nom, prenom et nom, vollstandiger name, vorname und nachname, vor und nachname
        nombre completo, nombre y apellido, nombre y apellidos, nome completo, nome cognome
        volledige naam, voornaam en achternaam, nome sobrenome""",
    NAME: "name, nom, nombre, nome, naam",
    "$region": """
        country, country region, country residence, country code, pays, pays residence
        land, wohnland, pais, pais residencia, paese, paese residenza, nazione, land woonplaats, pais residencia""",
    "$language": """
        language, preferred language, language preference, locale, lang, langue, langue preferee
        sprache, bevorzugte sprache, idioma, idioma preferido, lingua, lingua preferita
        taal, voorkeurstaal""",
    "city": """
        city, town, city town, town city, city name, ville, commune, stadt, ort, wohnort
        ciudad, poblacion, localidad, citta, comune, stad, plaats, woonplaats, cidade, localidade""",
    "zip_code": """
        zip, zipcode, zip code, postcode, post code, postal code, zip postal code, postal zip code
        code postal, cp, plz, postleitzahl, codigo postal, codice postale, cep""",
    "date(birthdate)": """
        birthdate, birth date, date birth, dob, birthday, birth day, date naissance, anniversaire
        geburtsdatum, geburtstag, fecha nacimiento, cumpleanos, data nascita, compleanno
        geboortedatum, verjaardag, data nascimento, aniversario""",
}

POLITENESS = set_of(
    """
    a an and the of in is are s what whats when which where please enter provide give us tell type fill write leave your
    my our you we can could may have do i optional required field fields form contact input primary personal best
    current from live living based located
    quel quelle est votre vos ton ta tes mon ma l le la les de d du des merci veuillez indiquer indiquez saisir
    saisissez entrez renseignez svp optionnel facultatif obligatoire
    wie lautet ist ihr ihre ihren dein deine deinen mein meine der die das bitte eingeben angeben geben sie ein an
    welche welcher pflichtfeld
    cual es tu su mi el los por favor ingresa ingrese escribe escriba introduce introduzca indica opcional obligatorio
    qual e il tuo tua suo sua mio mia di da inserisci inserire per favore obbligatorio facoltativo opzionale
    wat uw je jouw mijn het vul hier aub alsjeblieft optioneel verplicht
    o seu teu do da insira digite informe meu minha obrigatorio
    """
)

SOMEONE_ELSE = re.compile(
    r"\b(friends?|colleagues?|referral|referred|referrer|emergency|spouse|partner|guests?|child(ren)?|kids?|parents?"
    r"|manager|boss|recipient|ami|amie|amis|collegue|proche|filleul|parrain|conjoint|enfant"
    r"|freund\w*|kolleg\w*|notfall\w*|kind\w*|amigo|amiga|colega|amico|amica"
    r"|vriend\w*|collega)\b"
)
SECRET = re.compile(
    r"\b(password|passwd|passwort|pwd|passcode|mot de passe|contrasena|wachtwoord|senha|palavra passe|cvv|cvc"
    r"|card number|cardnumber|credit card|iban|ssn|social security)\b"
)
FAMILY_NAME_FIRST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Japanese, Chinese, Korean."""
NOT_ASKED = frozenset({"computed", "boolean", "consent", "file", "url"})


def table() -> dict[str, str]:
    """Label → attribute, each label without the words of politeness that it has itself."""
    return {
        essence(label): attribute
        for attribute, lines in LABELS.items()
        for label in re.split(r",|\n", lines)
        if label.strip()
    }


def essence(label: str) -> str:
    """The label without words of politeness; where nothing is left, as it is."""
    plain = sentence(label).split()
    return " ".join(word for word in plain if word not in POLITENESS) or " ".join(plain)


ATTRIBUTES = table()


def recognise(field: Field) -> str | None:
    """The attribute that the question asks for, FULL_NAME, NAME, or None."""
    if field.type in NOT_ASKED or isinstance(field.value, bool) or is_about_someone_else(field):
        return None
    if field.type in BY_TYPE:
        return BY_TYPE[field.type]
    return ATTRIBUTES.get(essence(field.label)) or ATTRIBUTES.get(essence(field.key))


def is_about_someone_else(field: Field) -> bool:
    return any(SOMEONE_ELSE.search(sentence(text)) for text in (field.label, field.key))


def is_secret(field: Field) -> bool:
    """Whether the answer is a password or the number of a card, which no one wants in a marketing tool."""
    return any(SECRET.search(sentence(text)) for text in (field.label, field.key))


def name_part(asked: Iterable[str | None]) -> str:
    """What a bare `Name` means beside the other attributes that are asked for."""
    others = set(asked)
    if "first_name" in others:
        return "last_name"
    return "first_name" if "last_name" in others else FULL_NAME


def split_name(name: str) -> dict[str, str]:
    """First name and the rest; `Lovelace, Ada` and `田中 花子` are read the other way round."""
    first, *rest = name.split(maxsplit=1) or [""]
    last = "".join(rest)
    if "," in name:
        last, _, first = name.partition(",")
    elif last and FAMILY_NAME_FIRST.search(name):
        first, last = last, first
    named = {"first_name": first.strip(), "last_name": last.strip()}
    return {part: text for part, text in named.items() if words(text)}
