"""The bands of a map have colours."""

from cropmine.mapping.bands import list_colours


def test_every_value_has_a_colour_and_those_without_a_meaning_are_transparent():
    colours = list_colours({1: ("#E69F00", "cropland")})
    assert len(colours) == 256
    assert colours[1] == (0xE6, 0x9F, 0, 255)
    assert set(colours[:1] + colours[2:]) == {(0, 0, 0, 0)}
