"""What personal data look like: one pattern per identifier, with its check digit where the standard has one.

Patterns run in Polars on whole columns; the check digits of what they find are computed as column expressions too.

Sources: GB 11643-1999 (resident id, check character by ISO 7064 MOD 11-2); Taiwan's national id (letter as two
digits, weights 1, 9, 8 ... 1, 1, sum a multiple of 10; second character 1, 2, and 8, 9 of the resident certificates);
ISO/IEC 7812-1 (Luhn); E.164 and the national numbering plans of CN, TW, HK and US.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

SURNAMES = (
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾肖蕭萧田董潘袁"
    "蔡蒋蔣余于杜叶葉程魏苏蘇吕呂丁沈任姚卢盧傅钟鐘姜崔谭譚廖范范汪陆陸金石戴贾賈韦韋夏邱方侯邹鄒熊孟秦白江阎閻薛尹段"
    "雷黎史龙龍陶贺賀顾顧毛郝龚龔邵万萬钱錢严嚴赖賴覃洪武莫孔汤湯向常温康施文牛樊葛邢安齐易乔伍庞颜顏倪庄莊聂章鲁岳翟"
    "殷詹申欧歐耿关關兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房"
    "滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋"
    "商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_DOUBLE_SURNAMES = "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|夏侯|东方|東方|尉迟|公孙|公孫|慕容|令狐|皇甫|宇文|司徒|张简|張簡"
_NAME = rf"(?:{_DOUBLE_SURNAMES}|[{SURNAMES}])\p{{Han}}{{1,2}}"
_GIVEN = (
    "James|John|Robert|Michael|William|David|Richard|Joseph|Thomas|Charles|Daniel|Matthew|Anthony|Mark|Paul|Steven|"
    "Andrew|Kenneth|George|Kevin|Brian|Edward|Peter|Jason|Jeffrey|Ryan|Gary|Eric|Stephen|Jonathan|Larry|Justin|Scott|"
    "Frank|Benjamin|Samuel|Alexander|Patrick|Jack|Dennis|Jerry|Henry|Adam|Nathan|Simon|Martin|Oliver|Harry|Mary|"
    "Patricia|Jennifer|Linda|Elizabeth|Barbara|Susan|Jessica|Sarah|Karen|Nancy|Lisa|Margaret|Betty|Sandra|Ashley|"
    "Emily|Donna|Michelle|Carol|Amanda|Melissa|Deborah|Stephanie|Rebecca|Laura|Helen|Sharon|Cynthia|Kathleen|Amy|"
    "Anna|Angela|Ruth|Brenda|Pamela|Nicole|Katherine|Christine|Emma|Rachel|Janet|Maria|Heather|Diane|Julie|Victoria|"
    "Kelly|Christina|Alice|Julia|Olivia|Sophie|Grace|Hannah|Charlotte|Lucy|Jane|Wei|Ming|Hui|Mei|Ling|Jun|Fang|Yan"
)


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of identifier.

    Attributes
    ----------
    name : code; ``detector.<name>`` are its words.
    loose : the pattern inside any text, where the surroundings say nothing; group 1 is the identifier.
    whole : the pattern of a whole cell in a column whose heading speaks of this identifier ("" as ``loose``).
    heading : the pattern of headings that speak of it.
    certainty : how sure one match is by itself (0-1): near 1 with a check digit, less where shapes are shared.
    """

    name: str
    loose: str
    whole: str
    heading: str
    certainty: float


_B, _E = r"(?:^|[^0-9A-Za-z])", r"(?:[^0-9A-Za-z]|$)"  # edges of a number: Rust's regex has no look-around
_SEP = r"[ \-.]?"
_PHONE = "|".join(
    (
        rf"(?:\+|00)86{_SEP}1[3-9]\d{_SEP}\d{{4}}{_SEP}\d{{4}}",
        rf"1[3-9]\d{_SEP}\d{{4}}{_SEP}\d{{4}}",
        r"(?:\+86[ \-]?)?\(?0(?:10|2\d|[3-9]\d{2})\)?[ \-]\d{3,4}[ ]?\d{4}",
        r"(?:\+|00)86[ \-]?(?:10|2\d|[3-9]\d{2})[ \-]?\d{3,4}[ \-]?\d{4}",
        rf"(?:\+|00)886{_SEP}(?:\(0\))?\d{{1,3}}{_SEP}\d{{3,4}}{_SEP}\d{{3,4}}",
        rf"09\d{{2}}{_SEP}\d{{3}}{_SEP}\d{{3}}",
        r"\(0[2-8]\d?\)[ \-]?\d{3,4}[ \-]?\d{3,4}|0[2-8]\d?[ \-]\d{3,4}[ \-]?\d{4}",
        rf"(?:\+|00)85[23]{_SEP}\d{{4}}{_SEP}\d{{4}}",
        rf"\(85[23]\)[ ]?\d{{4}}{_SEP}\d{{4}}",
        rf"\+1{_SEP}\(?[2-9]\d{{2}}\)?{_SEP}[2-9]\d{{2}}{_SEP}\d{{4}}",
        r"\([2-9]\d{2}\)[ \-]?[2-9]\d{2}[ \-.]\d{4}|(?:1[\-.])?[2-9]\d{2}[\-.][2-9]\d{2}[\-.]\d{4}",
    )
)
_BARE_PHONE = (
    rf"{_PHONE}|[2-9]\d{{7}}|[2-9]\d{{3}}[ \-]\d{{4}}|1?[2-9]\d{{2}}[ ]?[2-9]\d{{2}}[ ]?\d{{4}}|0[2-8]\d{{7,8}}"
    r"|886\d{8,9}|861\d{10}|9\d{8}"
)
_STREET = r"(?i:street|st|road|rd|avenue|ave|lane|ln|drive|boulevard|blvd|terrace|crescent|highway|hwy)"
_ADDRESS = "|".join(
    (
        r"\p{Han}{2,20}(?:路|街|大道|道|巷|胡同|弄)(?:[一二三四五六七八九十]段)?[^,，。;；!！?？]{0,12}?"
        r"\d+(?:[-之]\d+)?\s*(?:号|號|弄|巷)",
        rf"\d{{1,5}}[A-Za-z]?,?[ ](?:[A-Za-z][\w'.]*[ ]){{1,4}}{_STREET}\b",
    )
)
_ID_HEAD = (
    r"(?i)\bid ?(?:card|no|number)\b|identity|national id|resident|passport|身份|身分|证件|證件|统一编号|統一編號"
)

DETECTORS: tuple[Detector, ...] = (
    Detector(
        "email",
        r"([A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,})",
        "",
        r"(?i)e[ _\-]?mail|邮箱|邮件|郵件|信箱|电邮|電郵",
        0.99,
    ),
    Detector(
        "resident_id",
        rf"{_B}([1-9]\d{{5}}(?:18|19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}[0-9Xx]){_E}",
        "",
        _ID_HEAD,
        0.99,
    ),
    Detector("taiwan_id", rf"{_B}([A-Z][1289]\d{{8}}){_E}", "", _ID_HEAD, 0.95),
    Detector(
        "bank_card",
        rf"{_B}((?:4\d{{3}}|5[1-5]\d{{2}}|2[2-7]\d{{2}}|6\d{{3}}|35\d{{2}}|9\d{{3}})(?:[ \-]?\d{{4}}){{3}}"
        r"(?:[ \-]?\d{1,3})?"
        rf"|3[47]\d{{2}}[ \-]?\d{{6}}[ \-]?\d{{5}}|3[068]\d{{2}}[ \-]?\d{{6}}[ \-]?\d{{4}}){_E}",
        "",
        r"(?i)\bcard ?(?:no|number)|credit card|bank|iban|卡号|卡號|银行|銀行|帐号|帳號|账号",
        0.95,
    ),
    Detector(
        "phone",
        rf"{_B}({_PHONE}){_E}",
        rf"^\s*({_BARE_PHONE})\s*$",
        r"(?i)phone|mobile|\btel\b|telephone|\bcell\b|whatsapp|fax|手机|手機|电话|電話|联系方式|聯絡方式|行动|行動",
        0.9,
    ),
    Detector(
        "address",
        rf"({_ADDRESS})",
        r"(\S.{4,})",
        r"(?i)(?:^|[ _])address|street|\baddr\b|地址|住址|街道|寄送地|收货地|收貨地|门牌|門牌",
        0.8,
    ),
    Detector(
        "name",
        rf"(?:我叫|我是|我的名字是|姓名[:：]?|收件人[:：]?|收货人[:：]?|联系人[:：]?|聯絡人[:：]?)\s*({_NAME})"
        r"|(?i:my name is|i am|i'm|dear|mr\.?|mrs\.?|ms\.?|regards,)\s+((?:[A-Z][a-z]+)(?:[ ][A-Z][a-z]+){1,2})"
        rf"|({_NAME})(?:先生|小姐|女士)",
        r"(\S.*)",
        r"(?i)\b(?:full|first|last|given|family|sur|middle|customer|client|member|contact|buyer|recipient|user|nick)"
        r"[ _\-]?name\b|^name$|surname|recipient|contact person|姓名|名字|收件人|收货人|收貨人|联系人|聯絡人|昵称|暱稱"
        r"|客户名|客戶名",
        0.7,
    ),
)
WHOLE_NAME = rf"^\s*(?:{_NAME}|(?:{_GIVEN})(?:[ \-][A-Z][A-Za-z'.]*){{1,3}})\s*$"
# A name that somebody is called by inside a sentence: a usual given name, a surname with a form of address.
SPOKEN_NAME = (
    rf"\b(?:{_GIVEN})\b(?:[ \-][A-Z][A-Za-z'.]*)?|\b(?i:mr|mrs|ms|miss|dr)\.? [A-Z][a-z]+"
    rf"|(?:{_DOUBLE_SURNAMES}|[{SURNAMES}])\p{{Han}}{{0,2}}"
    r"(?:先生|小姐|女士|太太|老师|老師|经理|經理|店长|店長|阿姨)"
)
CHECKED = frozenset({"resident_id", "taiwan_id", "bank_card"})


def first_match(text: pl.Expr, detector: Detector, *, whole: bool) -> pl.Expr:
    """The first identifier of this kind in each text, null where there is none; candidates only: see ``valid``."""
    groups = 3 if detector.name == "name" else 1
    found = [text.str.extract(detector.loose, group) for group in range(1, groups + 1)]
    return pl.coalesce([text.str.extract(detector.whole, 1), *found] if whole and detector.whole else found)


def valid(found: pl.Expr, detector: str) -> pl.Expr:
    """Whether a candidate's check digit is right; True for kinds that have none."""
    match detector:
        case "resident_id":
            return _resident_id(found.str.to_uppercase())
        case "taiwan_id":
            return _taiwan_id(found)
        case "bank_card":
            return luhn(found.str.replace_all(r"[ \-]", ""))
    return found.is_not_null()


def _digit(text: pl.Expr, position: int) -> pl.Expr:
    return text.str.slice(position, 1).cast(pl.Int32, strict=False)


def luhn(digits: pl.Expr) -> pl.Expr:
    """Luhn's check on texts of at most 19 digits."""
    padded = digits.str.zfill(19)
    total = pl.lit(0)
    for position in range(19):
        digit = _digit(padded, position)
        doubled = digit * 2
        total = total + (pl.when(doubled > 9).then(doubled - 9).otherwise(doubled) if position % 2 else digit)
    return (total % 10 == 0) & (digits.str.replace_all("0", "").str.len_chars() > 0)


def _resident_id(text: pl.Expr) -> pl.Expr:
    total = pl.lit(0)
    for position in range(17):
        total = total + _digit(text, position) * (2 ** (17 - position) % 11)
    expected = (12 - total % 11) % 11
    last = text.str.slice(17, 1)
    given = pl.when(last == "X").then(10).otherwise(last.cast(pl.Int32, strict=False))
    born = text.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    return (given == expected) & born.is_not_null()


_TAIWAN_LETTERS = {letter: 10 + i for i, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO")}


def _taiwan_id(text: pl.Expr) -> pl.Expr:
    letter = text.str.slice(0, 1).replace_strict(_TAIWAN_LETTERS, default=None, return_dtype=pl.Int32)
    total = letter // 10 + letter % 10 * 9
    for position in range(1, 9):
        total = total + _digit(text, position) * (9 - position)
    return (total + _digit(text, 9)) % 10 == 0


def masked(text: pl.Expr) -> pl.Expr:
    """An example that shows the form and nothing else: the first character, dots for letters and digits."""
    return text.str.slice(0, 1) + text.str.slice(1).str.replace_all(r"[\p{L}\p{N}]", "•")
