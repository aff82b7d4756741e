"""Negations and conjunctions by language: the data of `negation`, all case-folded.

In the lists `_` is a space, `{}` any letters, and the rest a regular expression.
"""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = """
    ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu hy id it ja ka km ko lo ml mr ms my nb
    nl pa pl pt ro ru sk sr sv ta te th tr uk ur vi zh
"""
"""Whose negations are known here or in `negation`, as two-letter codes."""

BEFORE: Mapping[str, str] = {
    "en": """not no never nor neither non without cannot hardly barely scarcely rarely seldom
        nothing none nobody isnt arent wasnt werent dont doesnt didnt cant couldnt wouldnt shouldnt
        wont hasnt havent unlikely doubt doubts doubtful lacking fails? far_from anything_but
        lacks? lack_of absence_of nowhere less_than
        rather_than instead_of as_opposed_to short_of the_opposite_of""",
    "de": """nicht kein{} nie niemals weder kaum keineswegs keinesfalls mitnichten schwerlich ohne
        alles_andere_als weit_entfernt fern_von statt anstatt""",
    "fr": """pas jamais aucun aucune guère nullement sans loin_d['’]\\w+ loin_de
        tout_sauf plutôt_que au_lieu_d{} n['’]\\w+_plus""",
    "es": "no nunca jamás sin tampoco ningún ningun{} apenas lejos_de en_lugar_de en_vez_de",
    "ca": "sense",
    "pt": "não nao nunca jamais nem sem nenhum{} tampouco longe_de em_vez_de",
    "it": """non né senza nessun{} mica tutt['’]altro_che lontan[oa]_da invece_di""",
    "ro": "nu_(?:e|este|sunt|era|pare|a|se|prea|chiar) niciodată nici fără",
    "nl": "niet geen nooit nauwelijks zonder allerminst allesbehalve verre_van in_plaats_van",
    "sv": "inte ej icke aldrig ingen inget inga knappast varken långt_ifrån",
    "da nb": "ikke ikkje aldrig aldri intet hverken verken næppe neppe uden uten langt_fra",
    "pl": "nie nigdy bez ani żad{} wcale daleko_od zamiast",
    "cs sk": "není nie_je nejsou nebyl{} nikdy bez ani nelze žád{} stěží sotva místo",
    "hr sr": "nije nisu nikad{} bez niti није нису никад{} без нити",
    "ru": "не нет ни никогда без нельзя вряд_ли едва_ли отнюдь далеко_от вместо",
    "uk bg": "не ні ніколи навряд замість никога без нито",
    "el": "δεν δε μη μην όχι ούτε ποτέ χωρίς κάθε_άλλο_παρά",
    "hu": "nem sem soha nincs sincs aligha",
    "fi et": "ei eivät eikä tuskin ilman",
    "tr": "ne",
    "id ms": "tidak tidaklah bukan bukanlah belum tanpa",
    "vi": "không chẳng chưa chả",
    "ar": "[وف]?(?:ليس{}|لا|لم|لن|غير|بدون|دون|مش|ليسوا)",
    "fa ur": "نه غیر نیست نہیں",
    "he": "ו?(?:לא|אינו|אינה|אינם|אינן|אין|בלי|ללא|אף_פעם)",
    "hi mr bn gu pa": "नहीं नही न नाही নয় না নেই નથી નહીં ਨਹੀਂ",
    "hy ka": "ոչ չէ չի չեն არ არა არც ვერ",
}
"""What denies the words behind it, by language."""

NO_DENIAL = """
    not_(?:only|just|merely|simply|to_mention) no_(?:doubt|question|less|other|wonder|mistake)
    without_(?:an?_|any_)?(?:doubt|question|reservation) none_other nothing_(?:but|less|short_of)
    (?:cannot|can_not|can['’]?t|could_not|couldn['’]?t)_(?:be_(?:more|any)|help|agree_more)
    not_un\\w+ (?:little|beyond|beyond_any|beyond_all)_doubt
    no_(?:geral|entanto|todo|fim|final|fundo|caso|momento|conjunto)
    nicht_(?:nur|zuletzt|bloß|allein) ohne_(?:jeden_)?zweifel kein_zweifel
    pas_(?:seulement|que) sans_(?:aucun_)?doute no_(?:s[oó]lo|solamente|obstante) sin_duda
    sin_lugar_a_dudas não_(?:s[oó]|apenas) sem_dúvida non_solo senza_dubbio niet_alleen
    zonder_twijfel inte_bara utan_tvekan ikke_(?:bare|kun) nie_tylko bez_wątpienia nejen
    не_только без_сомнения не_лише tidak_hanya bukan_hanya không_chỉ لا_شك بدون_شك בלי_ספק אין_ספק
"""
"""What looks like a denial and is none, or the contrary of one."""

AFTER = (
    # after the verb: "positive it is not", "positiv ist das nicht"
    r"^\s+(?:(?:it|this|that)\s+)?(?:is|was|ist|war|är|var|er|wirkt|klingt)\b[^.,;:!?\n]{0,30}?"
    r"(?:\b(?:not|nicht|niet|inte|ikke)\b(?!\s+(?:only|nur|alleen|bara|bare|kun))|n['’]t\b)",
    # Japanese: behind a particle
    r"^[^、。！？!?.\n]{0,9}?(?:では|じゃ|とは|には|でも|ても|くは|は)[^、。！？!?.\n]{0,6}?"
    r"(?:な[いくかけ]|無[いく]|ません|ありえ|思え|言え|いえ)(?<!(?:間違い|問題は)な[いく])",
    # Korean: joined to the word, or a few words on
    r"^\p{Hangul}*(?:\s\p{Hangul}+){0,3}?\s?(?:아니|아닙|아닌|아님|않|못하|수\s?없)",
    # Turkish
    r"^\w*(?:\s+\w+){0,3}?\s+(?:değil\w*|olmayan|sayılmaz|olamaz)\b",
    # the languages of India
    r"^[\w\p{M}]*(?:\s+[\w\p{M}]+){0,5}?\s+"
    r"(?:नहीं|नही|नाही|নয়|নেই|না|નથી|નહીં|ਨਹੀਂ|அல்ல|இல்லை|కాదు|లేదు|ಅಲ್ಲ|ഇല്ല|അല്ല)"
    r"(?![\p{L}\p{M}])",
    # Persian and Urdu
    r"^\w*(?:\s+\w+){0,4}?\s+(?:نیست\w*|نمی\w*|نہیں|نبود\w*)(?!\w)",
    # Burmese
    r"^\p{Myanmar}{0,12}?မဟုတ်",
)
"""What denies the words before it, as it stands behind them."""

CONJUNCTIONS = r"""
    but yet however though although because since while whereas which who and still instead
    therefore thus hence so(?=\s+(?:it|this|that|the|i|we|they|he|she)\b) aber sondern
    jedoch weil denn und mais car parce pero sino porque mas porém ma bensì perché però maar
    omdat men utan fordi ale lecz ponieważ но а потому але бо αλλά γιατί hanem mert vaan
    mutta ama fakat tetapi melainkan nhưng mà لكن بل ولكن אלא אבל लेकिन बल्कि किंतु 이지만 지만
    하지만
"""
"""What begins a clause of its own, which a denial before it does not reach."""
