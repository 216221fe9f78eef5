/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of verification codes: 256, so that each says one byte. Plain things that most people can spell, at most seven letters, no
 * two with the same first four, and none that becomes another by one wrong letter. In alphabetical order. They are part of what both
 * ends must agree on: another list is another version of the code.
 */
#include "api/verify.h"

const char *sotto__verify_word(uint8_t number)
{
    static const char *const words[256] = {
        "acid",    "acorn",   "actor",   "alarm",   "album",   "almond",  "amber",   "anchor",
        "ankle",   "anvil",   "apple",   "apron",   "arch",    "arena",   "arrow",   "aunt",
        "axle",    "bacon",   "badge",   "bagel",   "baker",   "balcony", "bamboo",  "banana",
        "banjo",   "barn",    "basil",   "basket",  "beach",   "beard",   "beaver",  "bell",
        "berry",   "bike",    "bishop",  "blanket", "boat",    "bonfire", "book",    "bottle",
        "brick",   "bridge",  "broom",   "bucket",  "buffalo", "bullet",  "butter",  "cabin",
        "cactus",  "cafe",    "camel",   "candle",  "canoe",   "canvas",  "caramel", "carbon",
        "carpet",  "castle",  "cement",  "chain",   "cheese",  "cherry",  "chess",   "circus",
        "clay",    "clock",   "cloud",   "clover",  "cobra",   "coffee",  "comet",   "copper",
        "coral",   "cotton",  "cousin",  "coyote",  "crab",    "crayon",  "cricket", "crown",
        "crystal", "daisy",   "dancer",  "denim",   "desert",  "diary",   "dinner",  "doctor",
        "dolphin", "domino",  "dragon",  "drum",    "eagle",   "earth",   "easel",   "echo",
        "eclipse", "elbow",   "emerald", "engine",  "errand",  "fabric",  "falcon",  "farmer",
        "feather", "fence",   "fiddle",  "finger",  "fisher",  "flag",    "flute",   "forest",
        "forge",   "fossil",  "fox",     "frog",    "furnace", "galaxy",  "garden",  "garlic",
        "gazelle", "gift",    "giraffe", "glass",   "glove",   "goblet",  "gold",    "gorilla",
        "grape",   "gravel",  "guitar",  "hammer",  "harbor",  "harvest", "hazel",   "helmet",
        "hockey",  "honey",   "hotel",   "hunter",  "iceberg", "igloo",   "insect",  "iron",
        "island",  "ivory",   "jacket",  "jaguar",  "jelly",   "jewel",   "jungle",  "kayak",
        "kettle",  "kidney",  "kitchen", "kiwi",    "koala",   "ladder",  "lagoon",  "lantern",
        "laser",   "lemon",   "leopard", "library", "lizard",  "lobster", "magnet",  "mango",
        "maple",   "marble",  "mask",    "meadow",  "melon",   "meteor",  "mirror",  "monkey",
        "moss",    "motor",   "muffin",  "museum",  "napkin",  "needle",  "nickel",  "noodle",
        "nurse",   "oasis",   "ocean",   "olive",   "onion",   "opera",   "orange",  "orbit",
        "orchid",  "oven",    "oyster",  "padlock", "palace",  "panda",   "parrot",  "peanut",
        "pebble",  "pelican", "pencil",  "pepper",  "piano",   "picnic",  "pigeon",  "pilot",
        "pirate",  "planet",  "poem",    "police",  "potato",  "prince",  "pumpkin", "puzzle",
        "quartz",  "rabbit",  "radio",   "rainbow", "ribbon",  "river",   "robot",   "rocket",
        "ruby",    "saddle",  "salmon",  "sandal",  "satin",   "school",  "shadow",  "shovel",
        "silver",  "skunk",   "spider",  "sponge",  "spoon",   "statue",  "sugar",   "sunset",
        "table",   "tailor",  "temple",  "tennis",  "thunder", "tiger",   "tomato",  "tower",
        "trumpet", "tulip",   "tunnel",  "turtle",  "velvet",  "violin",  "walnut",  "zebra",
    };
    return words[number];
}
