"""Names and places for made-up people.

Chinese names are (Traditional, Simplified, romanised); cities carry a weight within their country.
E-mail addresses lie in example.com, telephone numbers in an area code 000 that no country uses.
"""

from __future__ import annotations

COUNTRIES = ("TW", "CN", "HK", "US", "GB")
COUNTRY_SHARES = (0.82, 0.06, 0.05, 0.04, 0.03)
DIAL_CODES = ("886", "86", "852", "1", "44")

CITIES = (
    ("Taipei", 0, 0.22), ("New Taipei", 0, 0.20), ("Taichung", 0, 0.15), ("Kaohsiung", 0, 0.14),
    ("Taoyuan", 0, 0.12), ("Tainan", 0, 0.08), ("Hsinchu", 0, 0.06), ("Hualien", 0, 0.03),
    ("Shanghai", 1, 0.35), ("Shenzhen", 1, 0.30), ("Guangzhou", 1, 0.20), ("Xiamen", 1, 0.15),
    ("Hong Kong", 2, 1.0), ("Los Angeles", 3, 0.45), ("San Francisco", 3, 0.30), ("New York", 3, 0.25),
    ("London", 4, 0.75), ("Manchester", 4, 0.25),
)  # fmt: skip

LANGUAGES = ("en", "zh_CN", "zh_TW")
LANGUAGE_SHARES = (
    (0.14, 0.04, 0.82),  # TW
    (0.06, 0.92, 0.02),  # CN
    (0.35, 0.07, 0.58),  # HK
    (0.90, 0.06, 0.04),  # US
    (0.95, 0.04, 0.01),  # GB
)

SURNAMES = (
    ("陳", "陈", "chen"),
    ("林", "林", "lin"),
    ("黃", "黄", "huang"),
    ("張", "张", "chang"),
    ("李", "李", "lee"),
    ("王", "王", "wang"),
    ("吳", "吴", "wu"),
    ("劉", "刘", "liu"),
    ("蔡", "蔡", "tsai"),
    ("楊", "杨", "yang"),
    ("許", "许", "hsu"),
    ("鄭", "郑", "cheng"),
    ("謝", "谢", "hsieh"),
    ("郭", "郭", "kuo"),
    ("洪", "洪", "hung"),
    ("曾", "曾", "tseng"),
    ("邱", "邱", "chiu"),
    ("廖", "廖", "liao"),
    ("賴", "赖", "lai"),
    ("徐", "徐", "shyu"),
    ("周", "周", "chou"),
    ("葉", "叶", "yeh"),
    ("蘇", "苏", "su"),
    ("莊", "庄", "chuang"),
    ("江", "江", "chiang"),
    ("何", "何", "ho"),
    ("羅", "罗", "lo"),
    ("高", "高", "kao"),
    ("潘", "潘", "pan"),
    ("簡", "简", "chien"),
)

GIVEN_FEMALE = (
    ("怡君", "怡君", "yi-chun"),
    ("雅婷", "雅婷", "ya-ting"),
    ("淑芬", "淑芬", "shu-fen"),
    ("佳穎", "佳颖", "chia-ying"),
    ("美玲", "美玲", "mei-ling"),
    ("欣怡", "欣怡", "hsin-yi"),
    ("詩涵", "诗涵", "shih-han"),
    ("宜蓁", "宜蓁", "yi-chen"),
    ("心妤", "心妤", "hsin-yu"),
    ("品妍", "品妍", "pin-yen"),
    ("思妤", "思妤", "ssu-yu"),
    ("郁婷", "郁婷", "yu-ting"),
    ("靜宜", "静宜", "ching-yi"),
    ("惠雯", "惠雯", "hui-wen"),
    ("秀英", "秀英", "hsiu-ying"),
    ("曉萍", "晓萍", "hsiao-ping"),
    ("若曦", "若曦", "jo-hsi"),
    ("子晴", "子晴", "tzu-ching"),
    ("芷若", "芷若", "chih-jo"),
    ("明慧", "明慧", "ming-hui"),
    ("玉蘭", "玉兰", "yu-lan"),
    ("家瑜", "家瑜", "chia-yu"),
    ("書帆", "书帆", "shu-fan"),
    ("苡安", "苡安", "yi-an"),
)

GIVEN_MALE = (
    ("志明", "志明", "chih-ming"),
    ("家豪", "家豪", "chia-hao"),
    ("俊傑", "俊杰", "chun-chieh"),
    ("建宏", "建宏", "chien-hung"),
    ("冠宇", "冠宇", "kuan-yu"),
    ("柏翰", "柏翰", "po-han"),
    ("承恩", "承恩", "cheng-en"),
    ("宗翰", "宗翰", "tsung-han"),
    ("彥廷", "彦廷", "yen-ting"),
    ("信宏", "信宏", "hsin-hung"),
    ("文雄", "文雄", "wen-hsiung"),
    ("國華", "国华", "kuo-hua"),
    ("子軒", "子轩", "tzu-hsuan"),
    ("宇翔", "宇翔", "yu-hsiang"),
    ("品睿", "品睿", "pin-jui"),
    ("浩然", "浩然", "hao-jan"),
    ("明哲", "明哲", "ming-che"),
    ("正雄", "正雄", "cheng-hsiung"),
    ("凱文", "凯文", "kai-wen"),
    ("育誠", "育诚", "yu-cheng"),
    ("振宇", "振宇", "chen-yu"),
    ("哲瑋", "哲玮", "che-wei"),
    ("立群", "立群", "li-chun"),
    ("思遠", "思远", "ssu-yuan"),
)

FIRST_FEMALE = (
    "Alice", "Grace", "Emily", "Hannah", "Olivia", "Sophie", "Laura", "Claire", "Nora", "Ruth", "Amber", "Diana",
    "Ellen", "Fiona", "Gwen", "Irene", "Judy", "Karen", "Lydia", "Megan", "Paula", "Rosa", "Tina", "Wendy",
)  # fmt: skip
FIRST_MALE = (
    "Adam", "Brian", "Colin", "Daniel", "Edward", "Frank", "George", "Henry", "Ian", "Jack", "Kevin", "Liam",
    "Martin", "Nathan", "Oscar", "Peter", "Quentin", "Robert", "Simon", "Thomas", "Victor", "Walter", "Alan", "Neil",
)  # fmt: skip
LAST = (
    "Baker", "Carter", "Dawson", "Ellis", "Foster", "Gardner", "Harper", "Irving", "Jensen", "Keller", "Lambert",
    "Mason", "Norris", "Osborne", "Parker", "Quinn", "Reeves", "Sutton", "Turner", "Underhill", "Vaughn", "Walsh",
    "Young", "Abbott", "Brooks", "Coleman", "Drake", "Fletcher", "Graves", "Hobbs",
)  # fmt: skip
