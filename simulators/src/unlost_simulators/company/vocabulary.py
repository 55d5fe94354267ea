"""The words of the four offices: people, streets, towns, companies. Order of lists: BE, DE, JP, BR.

Words only; the modules that make rows combine them. All companies are fictitious.
"""

# Word lists read best as running text.
# ruff: noqa: SIM905

from __future__ import annotations

from dataclasses import dataclass

BELGIUM, GERMANY, JAPAN, BRAZIL = range(4)


@dataclass(frozen=True, slots=True)
class Town:
    """A town with its state, its postal code and where it lies."""

    name: str
    state: str
    postal_code: str
    latitude: float
    longitude: float
    region: str


COUNTRIES = ("Belgium", "Germany", "Japan", "Brazil")
DIAL_CODES = ("+32", "+49", "+81", "+55")
LANGUAGES = ("nl_NL", "de", "ja", "pt_BR")
MAIL_DOMAINS = ("example.be", "example.de", "example.jp", "example.com.br")
# Sales regions (Contact.Sales_Region__c), in the order of the towns below.
REGIONS = (
    "Vlaanderen", "Wallonie", "Mitte", "Nord", "Süd", "Kansai", "Kantō", "Nordeste", "Sudeste",
)  # fmt: skip

FIRST_NAMES = (
    "Anneleen Bart Céline Dries Élise Femke Gilles Hilde Inès Jasper Katrien Lieven Maïté Noël Odile "
    "Pieter Quinten Renée Stijn Tine Ward Yasmina Zoë Loïc".split(),
    "Anja Björn Cäcilie Dörte Ekrem Friederike Günther Heike Ines Jürgen Käthe Lukas Mareike Nils "
    "Özlem Petra Quirin Rüdiger Sören Tabea Ulrike Volker Wiebke Zeynep".split(),
    "さくら 健太 美咲 翔 陽菜 大輔 葵 直樹 千尋 拓也 結衣 誠 真由美 蓮 恵 隆 Haruka Kenji 楓 悠斗 "
    "菜々子 一郎 美穂 亮".split(),
    "Ana Antônio Beatriz Caetano Débora Édson Fátima Gonçalo Helena Iara João Kauã Luíza Márcio "
    "Nilton Otávio Priscila Rogério Simão Tainá Vinícius Yara Zélia Conceição".split(),
)
LAST_NAMES = (
    "Peeters Janssens Maes Jacobs Mertens Willems Claes Goossens Wouters Dubois Lambert Dupont "
    "Martin Simon Laurent Lefèbvre Hermans Aerts Desmet Verstraete d'Hondt O'Reilly Vandenbroucke "
    "De\u00a0Clercq".split(" "),
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
    "Richter Klein Wolf Schröder Neumann Schwarz Groß Yıldız Öztürk Krüger Weiß".split(),
    "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 "
    "清水 Tanaka 髙橋 𠮷野 齋藤".split(),
    "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Ribeiro Carvalho "
    "Araújo Melo Barbosa Cardoso Conceição Gonçalves Assunção Simões Magalhães Patrício Brandão "
    "Guimarães".split(),
)
# The name part of a mail address: ASCII, one for each first name and last name above.
MAIL_FIRST = (
    "anneleen bart celine dries elise femke gilles hilde ines jasper katrien lieven maite noel odile "
    "pieter quinten renee stijn tine ward yasmina zoe loic".split(),
    "anja bjoern caecilie doerte ekrem friederike guenther heike ines juergen kaethe lukas mareike "
    "nils oezlem petra quirin ruediger soeren tabea ulrike volker wiebke zeynep".split(),
    "sakura kenta misaki sho hina daisuke aoi naoki chihiro takuya yui makoto mayumi ren megumi "
    "takashi haruka kenji kaede yuto nanako ichiro miho ryo".split(),
    "ana antonio beatriz caetano debora edson fatima goncalo helena iara joao kaua luiza marcio "
    "nilton otavio priscila rogerio simao taina vinicius yara zelia conceicao".split(),
)
STREETS = (
    "Veldstraat|Sint-Pietersnieuwstraat|Rue de la Madeleine|Grote Markt|Avenue Louise|Kouter|"
    "Rue Saint-Léonard|Oude Baan|Meir|Steenweg op Gent|Place d'Armes|Dijle-kaai".split("|"),
    "Karl-Heine-Straße|Große Fleischergasse|Hauptstraße|Am Zuckerberg|Lindenallee|Bahnhofstraße|"
    "Schlossplatz|Königsallee|Mühlweg|Elsässer Straße|Kakaogasse|Thomasgasse".split("|"),
    "心斎橋筋|御堂筋|四条通|三宮町|北浜|銀座|神楽坂|道頓堀|元町通|烏丸通|南船場|中之島".split("|"),
    "Rua da Baixa|Avenida Sete de Setembro|Rua Jorge Amado|Praça da Sé|Travessa do Cacau|"
    "Avenida Paulista|Rua das Laranjeiras|Ladeira do Pelourinho|Rua 15 de Novembro|"
    "Alameda Santos|Rua Coração de Maria|Avenida Soares Lopes".split("|"),
)
TOWNS = (
    (
        Town("Gent", "Oost-Vlaanderen", "9000", 51.0543, 3.7174, "Vlaanderen"),
        Town("Antwerpen", "Antwerpen", "2000", 51.2194, 4.4025, "Vlaanderen"),
        Town("Brugge", "West-Vlaanderen", "8000", 51.2093, 3.2247, "Vlaanderen"),
        Town("Liège", "Liège", "4000", 50.6326, 5.5797, "Wallonie"),
        Town("Namur", "Namur", "5000", 50.4674, 4.8720, "Wallonie"),
    ),
    (
        Town("Leipzig", "Sachsen", "04109", 51.3397, 12.3731, "Mitte"),
        Town("Dresden", "Sachsen", "01067", 51.0504, 13.7373, "Mitte"),
        Town("Köln", "Nordrhein-Westfalen", "50667", 50.9375, 6.9603, "Mitte"),
        Town("Lübeck", "Schleswig-Holstein", "23552", 53.8655, 10.6866, "Nord"),
        Town("München", "Bayern", "80331", 48.1351, 11.5820, "Süd"),
    ),
    (
        Town("大阪市", "大阪府", "541-0041", 34.6937, 135.5023, "Kansai"),
        Town("京都市", "京都府", "600-8001", 35.0116, 135.7681, "Kansai"),
        Town("神戸市", "兵庫県", "650-0021", 34.6901, 135.1955, "Kansai"),
        Town("Osaka", "Osaka", "530-0001", 34.7025, 135.4959, "Kansai"),
        Town("東京都", "東京都", "104-0061", 35.6717, 139.7650, "Kantō"),
    ),
    (
        Town("Ilhéus", "Bahia", "45653-000", -14.7889, -39.0494, "Nordeste"),
        Town("Salvador", "Bahia", "40020-000", -12.9714, -38.5014, "Nordeste"),
        Town("Recife", "Pernambuco", "50010-000", -8.0476, -34.8770, "Nordeste"),
        Town("São Paulo", "São Paulo", "01310-100", -23.5505, -46.6333, "Sudeste"),
        Town("Belo Horizonte", "Minas Gerais", "30130-000", -19.9167, -43.9345, "Sudeste"),
    ),
)
SHOP_HEADS = (
    "Pralinehuis|Chocolaterie|Bakkerij|Confiserie|Koekenbakkerij|Maison|Patisserie|Huis".split("|"),
    "Konditorei|Café|Confiserie|Feinkost|Bäckerei|Süßwaren|Schokoladen-Manufaktur|Kaffeehaus".split(
        "|"
    ),
    "菓子処|洋菓子|株式会社|喫茶|ショコラトリー|有限会社|甘味処|Patisserie".split("|"),
    "Doceria|Confeitaria|Padaria|Cacau|Brigaderia|Empório|Café|Casa".split("|"),
)
SHOP_TAILS = (
    "Van Hecke|De Zwaan|L'Étoile|Kwartier|Ter Linde|Du Parc|Noël-Bécasse|De Drie Kronen|Le Carillon|"
    'Roggeman & Zn.|"Het Gulden Blad"|Saint-Rémy'.split("|"),
    "Morgenröte|Zum Marzipanbär|Lindenhof GmbH|Grünwald KG|Süße Ecke|Weißer Storch|Alte Mühle OHG|"
    'Bärenhaus|"Zur Goldenen Bohne"|Kandis, Zucker & Co.|Schöller-Nachf.|Hänsel e.K.'.split("|"),
    "ひまわり|桜屋|銀の匙|カカオの森|夢工房|月見堂|白樺|「黒猫」|花岡|虹のしずく|三日月|Bonbon堂".split(
        "|"
    ),
    "São Jorge Ltda.|Flor da Bahia|Doce Encanto ME|do Zé|Açúcar & Afeto|Nossa Senhora|Pão de Mel S.A.|"
    'Três Irmãs|da Vovó|Chão de Cacau|Água na Boca|"Amor em Pedaços"'.split("|"),
)
DEPARTMENTS = (
    ("Aankoop", "Boekhouding", "Directie", "Winkel", "Logistiek"),
    ("Einkauf", "Buchhaltung", "Geschäftsführung", "Filiale", "Qualitätssicherung"),
    ("仕入部", "経理部", "代表", "店舗", "品質管理部"),
    ("Compras", "Contabilidade", "Diretoria", "Loja", "Logística"),
)
TITLES = (
    ("Aankoper", "Zaakvoerder", "Boekhoudster", "Chef-pâtissier", "Stagiair(e)"),
    ("Einkaufsleiterin", "Geschäftsführer", "Buchhalter", "Konditormeisterin", "Aushilfe"),
    ("仕入担当", "代表取締役", "経理", "パティシエ", "店長"),
    ("Compradora", "Sócio-gerente", "Contador", "Chef confeiteira", "Estagiário"),
)
SALUTATIONS = (("Dhr.", "Mevr."), ("Herr", "Frau"), ("様", "Dr."), ("Sr.", "Sra."))
SENTENCES = (
    (
        "Graag twintig dozen pralines, gemengd, met het nieuwe etiket.",
        "De levering van dinsdag was smeltend aangekomen; foto's in bijlage.",
        "Kunt u de factuur nog eens sturen naar de boekhouding?",
        "On nous demande des ganaches sans lait pour la fête des mères.",
        "Alles prima, zoals altijd. Tot volgende maand!",
        'De klant vroeg: "Is dit zonder palmolie?"',
    ),
    (
        "Bitte 40 Kartons Zartbitter 70 %, Lieferung bis Freitag früh.",
        "Die Temperatur im Kühlwagen lag über 21 °C – wir haben reklamiert.",
        "Rückruf zugesagt, Ansprechpartnerin ist erst ab Montag wieder da.",
        "Preisliste verstanden; Skonto 2 % bei 14 Tagen; bitte bestätigen.",
        "Muster haben geschmeckt, nur die Füllung „Birne“ war zu süß.",
        "Achtung: Allergenkennzeichnung (Haselnuss, Milch) fehlt auf Charge 17.",
    ),
    (
        "バレンタインの追加注文をお願いいたします。箱は赤で。",
        "先週の納品分に割れが多く、交換をお願いします🙏",
        "請求書の宛名を「株式会社」に直してください。",
        "抹茶トリュフの試食、とても好評でした！",
        "冷蔵便で、午前中の配達を希望します。",
        "担当者が変わりました。今後ともよろしくお願いいたします。",
    ),
    (
        "Precisamos de 60 caixas para a Páscoa, com laço dourado.",
        "O caminhão atrasou e o chocolate derreteu 😞 favor repor.",
        "A nota fiscal veio com o CNPJ errado, podem corrigir?",
        "Os bombons de cupuaçu acabaram em dois dias!",
        "Cliente pediu prazo de 45 dias; aprovado pela diretoria.",
        "Obrigado, até a próxima safra; um abraço da equipe.",
    ),
)
PRODUCTS = (
    "Praliné noisette|Ganache noire 70 %|Trüffel Williams-Birne|抹茶トリュフ|Brigadeiro de cupuaçu|Manon blanc|"
    "Zartbitter-Tafel 85 %|Vollmilch-Tafel|柚子ボンボン|Bombom de maracujá|Mendiant aux fruits|Katzenzungen|"
    "Kirsch-Kugel|桜クリスプ|Barra Bahia 62 %|Caramel beurre salé|Nougat-Würfel|Hazelnootpasta|"
    "Osterhase 250 g|Sint-Nicolaasfiguur|バレンタインボックス|Ovo de Páscoa|Kuvertüre 5 kg|Cocoa nibs 1 kg"
).split("|")
CAMPAIGNS = (
    "Sint 2025|Weihnachtszauber 2025|バレンタイン 2026 ❤️|Páscoa 2026|ホワイトデー 2026|Muttertag 2026|"
    "Zomerpralines 2026|Festa Junina 2026"
).split("|")
