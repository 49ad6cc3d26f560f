"""What the marketplace sells: 120 made-up products in eight categories, with made-up brands.

Names are fixed text; prices, brands and lives are drawn from the seed in `products.py`.
Price ranges are in TWD, cheapest and dearest list price of the category.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shelf:
    """One category's products: brands, price range and behaviour."""

    category: str
    brands: tuple[str, ...]
    price_low: int  # TWD
    price_high: int  # TWD
    elasticity: float  # base value: per cent change of demand per per cent change of price
    return_share: float  # of lines, before the segment's factor (0-1)
    extra_units: float  # mean of the Poisson units beyond the first
    products: tuple[str, ...]


SHELVES = (
    Shelf(
        "Groceries", ("Morning Terrace", "Green Valley", "Old Street", "Farmhouse Nine"), 59, 690, -0.6, 0.01, 0.9,
        ("High Mountain Oolong Tea 150 g", "Pineapple Cakes, Box of 12", "Roasted Coffee Beans 454 g",
         "Jasmine Rice 3 kg", "Sesame Oil 500 ml", "Dried Mango Slices 200 g", "Instant Beef Noodles, Pack of 8",
         "Soy Milk 1 l, Pack of 6", "Mixed Nuts 600 g", "Black Sugar Ginger Cubes", "Longan Honey 700 g",
         "Rolled Oats 1 kg", "Chilli Crisp Sauce 240 g", "Seaweed Snack, Pack of 10", "Cold Brew Tea Bags, 30 pieces"),
    ),
    Shelf(
        "Home & Kitchen", ("Casa Lumen", "Nestwell", "Taro House", "Plainwood"), 149, 3290, -1.2, 0.03, 0.25,
        ("Cast Iron Pan 26 cm", "Bamboo Cutting Board", "Rice Cooker 6 Cups", "Linen Duvet Cover, Double",
         "Memory Foam Pillow", "Glass Storage Boxes, Set of 5", "Handheld Steam Cleaner", "Ceramic Tea Set",
         "Desk Lamp with Dimmer", "Dehumidifier 10 l", "Microfibre Cloths, Pack of 12", "Vacuum Flask 500 ml",
         "Laundry Detergent 3 l", "Scented Candle, Cedar", "Foldable Drying Rack"),
    ),
    Shelf(
        "Beauty & Care", ("Lotus & Lime", "Pure Ritual", "Mirai Skin", "Dewfield"), 169, 1890, -1.0, 0.04, 0.3,
        ("Hydrating Face Mask, 10 Sheets", "Sun Lotion SPF 50", "Gentle Foam Cleanser", "Vitamin C Serum 30 ml",
         "Matte Lipstick", "Shampoo with Camellia Oil", "Body Lotion, Unscented", "Eyebrow Pencil",
         "Cushion Foundation", "Hand Cream, Set of 3", "Electric Toothbrush Heads", "Hair Treatment Oil",
         "Micellar Water 400 ml", "Night Repair Cream", "Bath Salts, Hinoki"),
    ),
    Shelf(
        "Electronics", ("Voltaro", "Kestrel Audio", "Nimbus Labs", "Bitwave"), 490, 16900, -1.8, 0.05, 0.05,
        ("Wireless Earbuds", "Mechanical Keyboard", "Power Bank 20,000 mAh", "Smart Watch", "Portable Monitor 15 in",
         "USB-C Charger 65 W", "Bluetooth Speaker", "Robot Vacuum", "Webcam 1080p", "External SSD 1 TB",
         "Noise-Cancelling Headphones", "Game Controller", "Wi-Fi Router", "Action Camera", "E-Reader 7 in"),
    ),
    Shelf(
        "Fashion", ("Willow & Rue", "Northlane", "Atelier Mei", "Daybreak"), 290, 2990, -1.5, 0.12, 0.15,
        ("Oversized Cotton Shirt", "High-Waist Jeans", "Knitted Cardigan", "Pleated Midi Skirt", "Canvas Tote Bag",
         "Running-Style Sneakers", "Leather Belt", "Rain Jacket", "Linen Trousers", "Wool Scarf",
         "Ankle Boots", "Lounge Set", "Bucket Hat", "Silk-Feel Blouse", "Crossbody Bag"),
    ),
    Shelf(
        "Sports & Outdoor", ("Ridgeline", "Swiftstep", "Blue Heron", "Campfold"), 250, 4590, -1.3, 0.06, 0.12,
        ("Yoga Mat 6 mm", "Adjustable Dumbbells", "Trekking Poles, Pair", "Camping Tent for 3", "Foam Roller",
         "Cycling Gloves", "Badminton Racket", "Swim Goggles", "Insulated Bottle 750 ml", "Hiking Backpack 30 l",
         "Resistance Bands, Set of 5", "Camping Stove", "Running Belt", "Bike Light Set", "Quick-Dry Towel"),
    ),
    Shelf(
        "Baby & Toys", ("Little Acorn", "Panda Steps", "Kitewood", "Bubbleberry"), 129, 2390, -0.8, 0.03, 0.4,
        ("Nappies Size M, 64 pieces", "Baby Wipes, Pack of 12", "Wooden Building Blocks", "Silicone Bib, Set of 2",
         "Picture Puzzle 100 pieces", "Baby Bottle 240 ml", "Plush Bear", "Balance Bike", "Toddler Sleep Sack",
         "Bath Toys, Set of 6", "Stacking Cups", "Baby Carrier", "Drawing Board", "Snack Puffs for Toddlers",
         "Remote-Control Car"),
    ),
    Shelf(
        "Books & Stationery", ("Paper Crane Press", "Inkstone", "Harbour Books", "Lined & Co"),
        79, 890, -0.9, 0.02, 0.35,
        ("Dotted Notebook A5", "Gel Pens, Set of 8", "Mystery Novel: The Quiet Ferry", "Cookbook: Small Kitchens",
         "Weekly Planner", "Watercolour Set", "Picture Book: Moon Rabbit", "Language Course: Everyday English",
         "Sticky Notes, Pack of 10", "Fountain Pen", "Travel Guide: East Coast", "Sketch Pad A4",
         "Comic Series, Volume 1", "Calligraphy Brush Set", "Desk Organiser"),
    ),
)  # fmt: skip
