"""Tell whether a ticked box is consent to marketing, and by which channel. Pure.

When in doubt it is none: mail without consent is unlawful, while a box that is not recognised here is one line in
the setting `consent_fields`. Labels in English, French, German, Spanish, Italian, Dutch and Portuguese.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.profile import Value
from functions.forms.reading.words import sentence, set_of
from functions.forms.submission import Field

EMAIL = "email"
SMS = "sms"
NEITHER: frozenset[str] = frozenset()
NOT_NAMED: Final = "consent_not_named"
"""The warning of a ticked box that only its name makes a consent, followed by `:NAME=CHANNEL`."""


def any_of(*phrases: str) -> re.Pattern[str]:
    """Any of the phrases as whole words; `*` stands for the rest of a word."""
    listed = "|".join(phrase.strip() for line in phrases for phrase in line.split(","))
    return re.compile(rf"\b(?:{listed.replace('*', chr(92) + 'w*')})\b")


NEWSLETTER = any_of(
    "newsletter*, news letter*, infolettre*, lettre d information, lettres d information, rundbrief*, infobrief*",
    "boletin, boletines, boletim, boletins, nieuwsbrief, nieuwsbrieven",
)
MARKETING = any_of(
    "marketing (emails?|mails?|messages?|communications?|material*|information|purposes|consent|updates|sms|texts?)",
    "(email|sms|direct) marketing, marketingzweck*, werbezweck*, marketingdoeleinden, werbemail*, werbeemail*",
    "(fins|messages|communications|emails) (de )?marketing, prospection commerciale",
    "(comunicaciones|correos|emails|fines|finalita|comunicazioni|comunicacoes|mensagens) (de |di )?marketing",
    "(communications?|comunicaciones|comunicazioni|comunicacoes|informations?|informaciones|informazioni)"
    " (commercial*|promo*|publicit*)",
    "promotional (emails?|messages?|content|communications?)",
    "(receive|get|subscribe to|recevoir|erhalten|recibir|ricevere|ontvangen|receber) (\\w+ ){0,3}marketing",
)
PROMOTION = any_of(
    "promotion*, promos?, offers?, deals, discounts?, news, updates, tips",
    "offres?, nouveautes, actualites, bons plans, angebot*, werbung, aktionen, neuigkeiten, rabatt*",
    "ofertas?, promociones, novedades, publicidad, descuentos, offerte, promozion*, novita, pubblicita, sconti",
    "aanbieding*, nieuws, reclame, acties, kortingen, novidades, promoco*, publicidade, descontos",
)
EMAILS = any_of("emails, mails, mailings?, courriels, correos( electronicos)?")
TEXT_MESSAGES = any_of(
    "sms, text messages?, texts, textos?, textnachricht*, mensajes de texto, messaggi di testo, tekstberichten",
    "mensagens de texto",
)
EMAIL_CHANNEL = any_of(
    "emails?, mails?, mailings?, courriels?, correos?, posta elettronica, correio eletronico"
)
OTHER_CHANNEL = any_of(
    "phone, phoned, telephone, calls?, called, telefon*, anruf*, whatsapp, push, post, postal, courrier",
    "llamadas?, chiamat*, bellen, gebeld, ligacoes",
)
RECEIVE = any_of(
    "receive, receiving, get, getting, send me, sent, sign me up, sign up, signup, subscribe, subscribing",
    "join (our|the|your) (mailing )?list",
    "keep me (informed|updated|posted|up to date), stay (informed|updated|up to date|in touch), be informed",
    "hear (about|from), (contact me|be contacted) (with|about), notify me, opt in, optin",
    "recevoir, abonn*, inscri*, m inscrire, tenez moi, etre informee?, envoyez moi",
    "erhalten, bekommen, abonnier*, anmeld*, zusend*, zuschick*, schickt mir, schicken sie mir, informiert werden",
    "recibir, suscri*, inscribi*, envienme, enviadme, enterarme, ricevere, iscriv*, inviatemi, essere informat*",
    "ontvang*, aanmeld*, inschrijv*, abonneer, abonneren, stuur mij, stuur me, op de hoogte",
    "receber, inscrev*, subscrev*, assinar, enviem me",
)
AGREE = any_of(
    "agree, accept, accepts, consent, allow, permit, yes, want, would like, i d like, happy to, interested in",
    "j accepte, accepte, consens, souhaite, souhaitez, veux, d accord, oui, ja, stimme, einverstanden, willige",
    "mochte, mochten, mochtest, acepto, consiento, autorizo, quiero, deseo, accetto, acconsento, voglio, desidero",
    "akkoord, toestemming, wil, graag, aceito, concordo, quero, desejo, gostaria",
)
BINDING = any_of(
    "terms, conditions?, agb, cgv, cgu, *bedingungen, terminos, condiciones, condizioni, termini, voorwaarden",
    "termos, condicoes, rules, regulations, reglement",
)
SHARING = any_of(
    "shar(e|es|ed|ing), third part(y|ies), partners?, sponsors?, partenaires?, partag*, tiers, dritte*",
    "weitergabe, weitergegeben, weitergeben, partnern, compart*, terceros?, socios, terzi, condivi*, derden, delen",
    "terceiros, parceiros, partilh*",
)
PRIVACY = any_of(
    "privacy, gdpr, personal data, data protection, confidentialite, rgpd, donnees, datenschutz*, dsgvo, *daten",
    "privacidad, datos, dati personali, trattamento, privacidade, dados, persoonsgegevens, gegevens, avg",
)
REFUSAL = any_of(
    "not, don t, dont, never, no longer, no thanks, without, stop, opt out, optout, unsubscribe*, remove",
    "ne, pas, plus de, aucune?, desinscri*, desabonn*, desabo, nicht, keine*, nie, abmeld*, abbestell*, austragen",
    "no (quiero|deseo|acepto|gracias|me|enviar|recibir|autorizo), non, nessun*, cancell*, disiscriv*, disinscri*",
    "niet, geen, afmeld*, uitschrijv*, nao, nunca, cancelar",
)
WITHDRAWAL = (
    r"(?:unsubscribe|opt out|withdraw\w*|revoke|cancel|desinscri\w*|desabonn\w*|retirer|abmeld\w*|abbestell\w*"
    r"|widerruf\w*|baja|desuscri\w*|revocar|cancelar|disiscriv\w*|annulla\w*|revoca\w*|cancell\w*|afmeld\w*"
    r"|uitschrijv\w*|intrek\w*|anular)"
)
ANY_TIME = (
    r"(?:any ?time|jederzeit|tout moment|cualquier momento|(?:qualsiasi|ogni) momento|(?:elk|ieder) moment"
    r"|qualquer momento)"
)
REASSURANCE = re.compile(
    rf"\b(?:{WITHDRAWAL}(?: \w+){{0,6}}? {ANY_TIME}|{ANY_TIME}(?: \w+){{0,6}}? {WITHDRAWAL})\b"
)
"""`You can unsubscribe at any time` refuses nothing."""
OPINION = any_of(
    "did, do you (receive|get|read|know|find|like|subscribe|remember), have you, has, were, why, already, ever",
    "how (did|do|often|much|many|likely|would|was|is)",
    "improve, rate, recommend, feedback, opinion, quality, satisfied, jobs?",
    "recevez vous, avez vous, as tu, deja, haben sie, hast du, bereits, schon, erhalten sie, bekommen sie",
    "erhaltst, bekommst, recibes?, ya, ricevi, riceve, gia, hai, ontvangt, hoe, heb je, heeft u, ja recebe",
)
APPEARANCE = any_of(
    "photos?, pictures?, images?, publish*, featured?, advertis*, mention*, quoted, stor(y|ies), testimonials?",
    "write for, publier, publication, fotos?, veroffentlich*, bilder, publicar, imagen, pubblic(are|azione)",
    "immagin*, publiceren, publicatie, imagem",
)
TRANSACTION = any_of(
    "orders?, copy, copies, receipts?, invoices?, confirmation, reminders?, delivery, appointment*, booking*",
    "request, reply, answers?, results?, quote, application, ticket, commandes?, copie, recu, facture, rappels?",
    "livraison, rendez vous, devis, reponses?, bestell*, kopie, rechnung*, lieferung*, erinnerung*, termin*",
    "pedidos?, copia, factura, recordatorio*, cita, entrega, ordine, ordini, fattura, promemoria, appuntamento",
    "bestelling*, factuur, herinnering*, levering, afspraak, encomenda*, fatura, lembrete*",
)
BARE_WORDS = set_of(
    """
    newsletter newsletters marketing offers promotions news updates email emails mail mailing mailings sms text
    messages optin opt in consent subscribe subscription signup sign up accept accepts agree receive join get our
    the my to of by via yes ok i want for and infolettre lettre d information nieuwsbrief boletin boletim rundbrief
    """
)
BARE_TOPIC = any_of("marketing, offers, promotions, news, updates")
BARE_CONSENT = any_of(
    "optin, opt in, consent, subscri*, signup, sign up, accepts?, agree, receive, join, get"
)

TICKED = set_of("on true yes y 1 x ok checked ticked selected agreed accepted subscribed oui ja si sim")
AFFIRMATIVE = any_of(
    "^(yes|oui|ja|si|sim|i agree|i accept|i consent|i want|i would like|i d like|sign me up|count me in|subscribe)",
    "^(j accepte|je consens|je souhaite|je veux|d accord|ich stimme zu|ich mochte|ich willige ein|einverstanden)",
    "^(acepto|quiero|de acuerdo|accetto|acconsento|akkoord|ik ga akkoord|aceito|concordo|quero|agree|accept)",
)
NEGATIVE = any_of("no, not, don t, nicht, kein, keine, non, pas, niet, geen, nao, nie, never")


def channels(field: Field) -> frozenset[str]:
    """The channels that a tick in this box consents to: those its label speaks of, none for most boxes."""
    if field.type not in ("consent", "boolean", ""):
        return NEITHER
    texts = {REASSURANCE.sub(" ", sentence(text)) for text in (field.label, field.key)}
    if any(is_something_else(text) for text in texts):
        return NEITHER
    found = [spoken_of(text) for text in texts if is_consent(text)]
    return frozenset().union(*found)


def is_something_else(text: str) -> bool:
    """Whether the text binds, shares, refuses, asks for an opinion or a picture, whatever else it says."""
    return any(pattern.search(text) for pattern in (BINDING, SHARING, REFUSAL, OPINION, APPEARANCE))


def is_consent(text: str) -> bool:
    """Whether the text asks to be sent marketing."""
    receives, agrees = bool(RECEIVE.search(text)), bool(AGREE.search(text))
    if NEWSLETTER.search(text) or MARKETING.search(text):
        return receives or agrees or is_bare(text)
    if TRANSACTION.search(text):
        return False
    if PROMOTION.search(text) and receives:
        return True
    if (EMAILS.search(text) or TEXT_MESSAGES.search(text)) and receives and not PRIVACY.search(text):
        return True
    return is_bare(text)


def is_bare(text: str) -> bool:
    """Whether the text is the name of such a box and nothing else: `newsletter`, `sms_optin`."""
    if not text or not set(text.split()) <= BARE_WORDS:
        return False
    topic = bool(BARE_TOPIC.search(text))
    channel = bool(EMAIL_CHANNEL.search(text) or TEXT_MESSAGES.search(text))
    consents = bool(BARE_CONSENT.search(text))
    return bool(NEWSLETTER.search(text)) or text == "subscribe" or topic + channel + consents > 1


def spoken_of(text: str) -> frozenset[str]:
    """The channels that the text names; e-mail where it names none."""
    by_email = bool(EMAIL_CHANNEL.search(text) or NEWSLETTER.search(text))
    by_sms = bool(TEXT_MESSAGES.search(text))
    if not by_email and not by_sms:
        return NEITHER if OTHER_CHANNEL.search(text) else frozenset({EMAIL})
    return frozenset(channel for channel, named in ((EMAIL, by_email), (SMS, by_sms)) if named)


def is_ticked(field: Field) -> bool:
    """Whether the box says yes: a tick, a word for yes, or its own name as HTML forms have it."""
    items = field.value if isinstance(field.value, list | tuple) else [field.value]
    own_names = {sentence(field.key), sentence(field.label)}
    return any(says_yes(item, own_names) for item in items)


def says_yes(value: Value, own_names: set[str]) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str | int):
        return False
    text = sentence(str(value))
    if text in TICKED or (text and text in own_names):
        return True
    return bool(AFFIRMATIVE.search(text)) and not NEGATIVE.search(text)
