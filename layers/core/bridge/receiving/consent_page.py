"""The pages behind a link by which a person confirms a consent: one button, and what came of it. Pure.

No scripts, nothing from elsewhere, no cookies. Every text that is not written here is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from string import Template
from typing import Any

ASK, DONE, EXPIRED, INVALID, UNAVAILABLE = "ask", "done", "expired_link", "invalid_link", "unavailable"
MAX_LANGUAGES = 20

STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #f4f5f7; --card: #fff; --line: #d4d8de;
  --button: #1f5fbf; --label: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9ebee; --paper: #15181c; --card: #1f2329; --line: #3a4049; --button: #9cc2ff; --label: #10233f; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem;
  background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 30rem; padding: 2rem 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere; }
.brand { margin: 0 0 1rem; font-weight: 600; opacity: .8; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
p { margin: 0 0 1rem; }
button { width: 100%; min-height: 3rem; margin: .5rem 0 1.25rem; padding: .75rem 1rem; border: 0;
  border-radius: .5rem; background: var(--button); color: var(--label); font: inherit; font-weight: 600;
  cursor: pointer; }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
main > :last-child { margin-bottom: 0; }
.note { font-size: .9375rem; opacity: .8; }
"""
PAGE = Template("""\
<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$brand<h1>$title</h1>
$content</main>
</body>
</html>
""")
STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "vary": "accept-language",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}

# language   of each page the title and the text; of the question also by channel, with its button and a note
TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "ask_email": "Do you want to receive news and offers by e-mail?",
        "ask_sms": "Do you want to receive news and offers by text message?",
        "button": "Yes, I want to",
        "note": "You did not ask for this? Then close this page: nothing changes.",
        "done": "Thank you",
        "done_text": "Your consent is confirmed. You can close this page.",
        "expired_link": "This link has expired",
        "expired_link_text": "It was good for 7 days. Nothing has changed. To get a new link, fill in the form again.",
        "invalid_link": "This link does not work",
        "invalid_link_text": "Nothing has changed. Please open the link in your message once more, the whole of it.",
        "unavailable": "That did not work",
        "unavailable_text": "Please try again in a few minutes.",
    },
    "fr": {
        "ask_email": "Souhaitez-vous recevoir nos actualités et nos offres par e-mail ?",
        "ask_sms": "Souhaitez-vous recevoir nos actualités et nos offres par SMS ?",
        "button": "Oui, je le souhaite",
        "note": "Vous n’avez rien demandé ? Fermez cette page : rien ne change.",
        "done": "Merci",
        "done_text": "Votre consentement est confirmé. Vous pouvez fermer cette page.",
        "expired_link": "Ce lien a expiré",
        "expired_link_text": "Il était valable 7 jours. Rien n’a changé. Pour recevoir un nouveau lien, remplissez à "
        "nouveau le formulaire.",
        "invalid_link": "Ce lien ne fonctionne pas",
        "invalid_link_text": "Rien n’a changé. Ouvrez à nouveau le lien complet depuis votre message.",
        "unavailable": "Cela n’a pas fonctionné",
        "unavailable_text": "Veuillez réessayer dans quelques minutes.",
    },
    "de": {
        "ask_email": "Möchten Sie Neuigkeiten und Angebote per E-Mail erhalten?",
        "ask_sms": "Möchten Sie Neuigkeiten und Angebote per SMS erhalten?",
        "button": "Ja, das möchte ich",
        "note": "Sie haben das nicht angefordert? Dann schließen Sie diese Seite: Es ändert sich nichts.",
        "done": "Vielen Dank",
        "done_text": "Ihre Einwilligung ist bestätigt. Sie können diese Seite schließen.",
        "expired_link": "Dieser Link ist abgelaufen",
        "expired_link_text": "Er galt 7 Tage. Es hat sich nichts geändert. Für einen neuen Link füllen Sie bitte das "
        "Formular noch einmal aus.",
        "invalid_link": "Dieser Link funktioniert nicht",
        "invalid_link_text": "Es hat sich nichts geändert. Bitte öffnen Sie den ganzen Link in Ihrer Nachricht noch "
        "einmal.",
        "unavailable": "Das hat nicht geklappt",
        "unavailable_text": "Bitte versuchen Sie es in ein paar Minuten noch einmal.",
    },
    "es": {
        "ask_email": "¿Desea recibir novedades y ofertas por correo electrónico?",
        "ask_sms": "¿Desea recibir novedades y ofertas por SMS?",
        "button": "Sí, lo deseo",
        "note": "¿No lo ha pedido usted? Cierre esta página: nada cambia.",
        "done": "Gracias",
        "done_text": "Su consentimiento está confirmado. Puede cerrar esta página.",
        "expired_link": "Este enlace ha caducado",
        "expired_link_text": "Era válido 7 días. Nada ha cambiado. Para recibir otro enlace, rellene de nuevo el "
        "formulario.",
        "invalid_link": "Este enlace no funciona",
        "invalid_link_text": "Nada ha cambiado. Abra de nuevo el enlace completo de su mensaje.",
        "unavailable": "No ha funcionado",
        "unavailable_text": "Inténtelo de nuevo dentro de unos minutos.",
    },
    "it": {
        "ask_email": "Desidera ricevere novità e offerte per e-mail?",
        "ask_sms": "Desidera ricevere novità e offerte per SMS?",
        "button": "Sì, lo desidero",
        "note": "Non l’ha chiesto Lei? Chiuda questa pagina: non cambia nulla.",
        "done": "Grazie",
        "done_text": "Il Suo consenso è confermato. Può chiudere questa pagina.",
        "expired_link": "Questo link è scaduto",
        "expired_link_text": "Era valido 7 giorni. Nulla è cambiato. Per ricevere un nuovo link, compili di nuovo il "
        "modulo.",
        "invalid_link": "Questo link non funziona",
        "invalid_link_text": "Nulla è cambiato. Apra di nuovo il link completo dal Suo messaggio.",
        "unavailable": "Non ha funzionato",
        "unavailable_text": "Riprovi tra qualche minuto.",
    },
    "nl": {
        "ask_email": "Wilt u nieuws en aanbiedingen per e-mail ontvangen?",
        "ask_sms": "Wilt u nieuws en aanbiedingen per sms ontvangen?",
        "button": "Ja, dat wil ik",
        "note": "Hebt u dit niet aangevraagd? Sluit dan deze pagina: er verandert niets.",
        "done": "Bedankt",
        "done_text": "Uw toestemming is bevestigd. U kunt deze pagina sluiten.",
        "expired_link": "Deze link is verlopen",
        "expired_link_text": "Hij was 7 dagen geldig. Er is niets veranderd. Vul het formulier opnieuw in voor een "
        "nieuwe link.",
        "invalid_link": "Deze link werkt niet",
        "invalid_link_text": "Er is niets veranderd. Open de hele link in uw bericht nog een keer.",
        "unavailable": "Dat is niet gelukt",
        "unavailable_text": "Probeer het over een paar minuten opnieuw.",
    },
    "pt": {
        "ask_email": "Deseja receber novidades e ofertas por e-mail?",
        "ask_sms": "Deseja receber novidades e ofertas por SMS?",
        "button": "Sim, desejo",
        "note": "Não pediu isto? Feche esta página: nada muda.",
        "done": "Obrigado",
        "done_text": "O seu consentimento está confirmado. Pode fechar esta página.",
        "expired_link": "Este link expirou",
        "expired_link_text": "Era válido por 7 dias. Nada mudou. Para receber um novo link, preencha de novo o "
        "formulário.",
        "invalid_link": "Este link não funciona",
        "invalid_link_text": "Nada mudou. Abra de novo o link completo da sua mensagem.",
        "unavailable": "Não funcionou",
        "unavailable_text": "Tente de novo dentro de alguns minutos.",
    },
}


def response(
    status: int, page: str, languages: str = "", channel: str = "", brand: str = ""
) -> dict[str, Any]:
    """Return an HTTP API response with a page, in the first of the wanted languages that there is."""
    language = preferred(languages)
    return {"statusCode": status, "headers": dict(HEADERS), "body": written(page, language, channel, brand)}


def preferred(languages: str) -> str:
    """Return the language of an Accept-Language header that pages are written in; browsers name the best first."""
    for part in languages.split(",", MAX_LANGUAGES)[:MAX_LANGUAGES]:
        language = part.strip()[:2].lower()
        if language in TEXTS:
            return language
    return "en"


def written(page: str, language: str, channel: str, brand: str) -> str:
    """Return the page as HTML."""
    texts = {name: html.escape(text) for name, text in TEXTS[language].items()}
    asks = page == ASK
    return PAGE.substitute(
        language=language,
        style=STYLE,
        title=texts[f"{page}_{channel}" if asks else page],
        brand=f'<p class="brand">{html.escape(brand)}</p>\n' if brand else "",
        content=question(texts) if asks else f"<p>{texts[f'{page}_text']}</p>\n",
    )


def question(texts: Mapping[str, str]) -> str:
    """Return the button, which posts to the page's own address, and what to do for whoever did not ask."""
    return (
        f'<form method="post"><button type="submit">{texts["button"]}</button></form>\n'
        f'<p class="note">{texts["note"]}</p>\n'
    )
