"""The colours that maps give to land by custom, and the words for it in six languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator


def words(name: str) -> str:
    """The name in small letters without accents, its words parted by single spaces, camel case too.

    >>> words("Forêt_Dense2")
    'foret dense 2'
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)", " ", name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", parted) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", plain.casefold().replace("ß", "ss")))


# Shades, best first, then the words. A word matches the beginning of a word of the name; with a final dot, all of it;
# ~ is a space. The first theme that matches wins: what happened to the land before what grows there, wetland before
# water and grass. English, Spanish, French, German, Portuguese, Czech.
TABLE = """
#dfe3e8 #c5cbd3 #f3f4f6
    cloud nube nuage wolke nuve nuvem nuvens oblak oblac mrak
#4a4f57 #30343b #6b7079
    shadow shade. sombra ombre schatten stin. stiny
#5a2a27 #8c3b2e #3a1f1d
    burn fire. fires. quemad incendi brul feu. verbrann brand. queimad spalen pozar
#6fae5c #2e8b57 #9ccc65
    not~damag no~damag non~damag not~dead not~burn no~burn unburn unchanged healthy undamaged intact sano. sana.
    sain. saine gesund unversehrt saudavel zdrav
#8d99ae #b8c0cc #5c677d
    no. non. not.
#d1495b #a4243b #e88873
    damag dead. dying deforest clearcut clear~cut cleared infest defoliat beetle windthrow logged logging
    disturb danad muert tala. talad endommag mort. morts. coupe. geschadigt beschadigt schaden tot. kahlschlag
    windwurf danific desmat poskoz kurovec kalamit odumrel sous. tezba holin stress loss.
#2a9d8f #1d6f7a #76c8b8
    algae algal bloom seagrass kelp sea~grass alga. algas algue algen rasy vodni~kvet
#5fb7a5 #3d8f8a #8fd1c1
    wetland flood marsh swamp mangrove bog. bogs. peat fen. humedal pantano manglar turbera zone~humide marais
    mangrov tourbi feuchtgebiet moor. sumpf zona~umida zonas~umidas pantan mokrad bazin raselin
#2f7fc1 #6bb1e0 #1b4f8a #9fd0ee
    water river lake sea. ocean pond reservoir stream. agua rio. lago. laguna mar. embalse eau. eaux riviere
    lac. mer. etang wasser gewasser fluss see. teich meer. lagoa albufeira represa voda vody vodni reka jezero
    rybnik
#dcecf9 #b9d7ee #f2f8fd
    snow ice. glacier nieve hielo glaciar neige glace schnee eis. gletscher neve. gelo snih led. ledovec
#b7b0a4 #8e8578 #d3cabb
    rock stone. cliff roca. roch. roche rocher fels. felsen gestein rocha skala skaly kamen
#e0b04c #f2d479 #b98a2f #d9c27a #c2a14d
    crop cultivat agricult arable farm field. fields. wheat maize corn. barley rice. soy rapeseed sunflower
    cotton cultivo trigo maiz cebada arroz. soja girasol algodon culture. cultures. ble. mais orge riz. colza
    tournesol acker feld. weizen gerste reis. raps sonnenblume lavoura milho cevada plodin pole. psenice
    kukurice jecmen repka orna. alfalfa potato sugar
#a67c9d #7d5a86 #c7a3bf
    vineyard orchard plantation vinedo huerto plantacion vigne verger weinberg obst plantage vinha pomar vinice
    sad. sady olive olivar
#a08f5f #c4a96a #7f7148
    shrub scrub bush heath matorral arbust broussaill lande. strauch gebusch heide mato. krovi krovin vresovist
#1f6b3a #4f9a4b #8fbf6a #0f4a3a #6f8f3a
    forest tree wood wooded woodland conifer broadlea deciduous spruce pine. pines. oak. beech bosque arbol
    arbole pino. roble encina conifera foret arbre bois. pin. chene hetre wald. walder laubwald nadelwald
    mischwald baum baume fichte kiefer eiche buche floresta arvore pinh eucalipt mata. les. lesy lesni strom
    smrk borovic dub. buk. jehlic listnat
#b5d56a #93c47d #d6e685
    grass meadow pasture range savann prairie. lawn pasto. pastos pastiz pradera herbe herbac prairies paturage
    pelouse gras. grasland wiese weide. weiden rasen pastagem relva campo. louka louky trav pastvin vegeta
    grunland
#8a8f98 #b0b4bb #62666e
    road street asphalt pavement rail carretera camino. route. strasse weg. bahn. estrada rodovia silnic cesta
    zeleznic
#c8493c #e58b76 #8f2d27 #a9a2a0
    built building urban city. town settlement house residen industr impervious artificial roof edific ciudad
    construid construi bati. batiment ville. gebaude siedlung stadt stadtisch bebau haus. hauser versiegelt
    cidade edificad zastavb zastaven mesto budov sidl dum. domy
#ecd9a0 #f5e8c4 #d8bf7d
    sand beach dune arena. playa sable plage dunes strand areia praia pisek plaz. duny
#c9a27c #a97e56 #e2c6a6
    bare barren soil fallow mine. quarry desnud suelo nu. sol. nackt boden brach solo. exposto hola. puda
#b8c0cc #8d99ae #5c677d
    other none. background otro otra autre andere sonstig outro outra ostatni jine
"""


def _themes(table: str) -> Iterator[tuple[tuple[str, ...], re.Pattern[str]]]:
    """The shades and the pattern of each theme of the table."""
    for block in re.split(r"\n(?=#)", table.strip()):
        shades, *stems = block.split("\n")
        patterns = [re.escape(stem.replace("~", " ")).replace(r"\.", r"\b") for stem in " ".join(stems).split()]
        yield tuple(shades.split()), re.compile(r"\b(?:" + "|".join(patterns) + ")")


THEMES = tuple(_themes(TABLE))
