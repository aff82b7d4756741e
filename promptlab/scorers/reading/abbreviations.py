"""Words with a point that ends no sentence, and words that begin one, in European languages.

All are case-folded and without their last point.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ABBREVIATIONS = _words(
    """mr mrs ms mx messrs mme mlle mm dr drs prof sr sra srta dra dña hrn frl st ste sto
    dipl univ sig dott dssa avv inż пр проф г-н г-жа
    v viz cf cp approx appx incl excl resp esp e.g eg i.e ie q.v c.f p.ex p.ej
    d.h z.b u.a z.t i.d.r o.ä m.e n.chr v.chr u.u s.o s.u bsp bzw ggf evtl inkl exkl zzgl abzgl
    insb vgl bes lfd geb gest sog env aprox ej ca vs o.a d.w.z bijv blz m.n t.o.v
    np tzn tj godz tzv např т.е см напр"""
)
"""An abbreviation that something follows: it never ends a sentence."""

TITLES = _words(
    """fr sr hr hr mt gen col lt sgt cpl capt cmdr adm maj brig gov sen rep pres hon supt insp msgr
    rev ing mag ir mgr hab doc rag geom ave blvd rd str dept ft"""
)
"""The same where it is written with a capital: otherwise it may be a word."""

NUMBERED = _words(
    """no nos nr nrs fig figs vol vols ch chap sec sect para par p pp pg art eq eqs ref refs tab tbl
    ex ed abb cap núm pág págs éd tel fl č str стр рис гл ул al ul op bd s z ziff abs § lit"""
)
"""The same where a number follows."""

CLOSING_ABBREVIATIONS = _words(
    """etc usw usf inc ltd corp co llc llp plc gmbh bros jr esq phd ph.d pm dept univ assn
    intl natl govt enz osv m.fl bl itd itp atd apod и.др и.т.д т.д гг руб тыс млн млрд"""
)
"""An abbreviation that may stand at the end: then a word follows that begins sentences."""

DATES = _words(
    """jan feb mar apr jun jul aug sep sept oct nov dec jän mrz okt dez janv févr avr juil déc
    mon tue tues wed thu thur thurs fri sat sun mo di mi do sa so am"""
)
"""The same where it is written with a capital."""

UNITS = _words("in ft yd mi oz lb lbs pt qt gal sq cu hr hrs min mins sec secs yr yrs wk wks st cm")
"""The same where a number is before it."""

MONTHS = _words(
    """januar jänner februar märz april mai juni juli august september oktober november dezember
    ledna února března dubna května června července srpna září října listopadu prosince
    tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta
    syyskuuta
    lokakuuta marraskuuta joulukuuta marts maj juni oktober mars jahrhundert jh"""
)
"""What follows an ordinal number that is written with a point."""

OPENING_WORDS = _words(
    """the a an this that these those it its he she they we you i there here his her their our
    my your
    in on at by for from with to of as after before when while if although though because since
    until but and or so yet then now also however moreover still what who why how where which
    no not yes one some many most all both each every another other such its it's he's she's
    that's
    there's i'm we're they're you're don't let's
    der die das ein eine es er sie wir ihr ich dies diese dieser dieses dann danach aber und
    oder wenn
    weil als nach vor in im am auf mit für von zu jedoch doch auch so
    le la les l un une des il elle ils elles on nous vous je ce cet cette ces mais et ou donc puis
    dans en sur pour avec après avant quand si comme
    el los las una unos él ella ellos nosotros yo este esta estos pero y o luego entonces después
    antes cuando con por para se su
    o os as um uma ele ela eles nós eu isto isso mas e depois quando com em no na
    lo gli i uno lui lei loro noi io questo questa ma poi dopo quando con nel nella
    de het een hij zij wij ik dit dat deze maar en of toen daarna
    он она оно они мы вы я это этот эта но и а потом затем когда если в на с"""
)
"""Closed classes of words: where one of them follows with a capital, a sentence begins."""
