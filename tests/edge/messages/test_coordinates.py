"""Tests of edge.messages.coordinates."""

import pytest

from edge.messages.coordinates import converted


def test_a_published_pair_of_coordinates():
    """Tiananmen in WGS-84 (39.907333, 116.391083) lies at (39.908735, 116.397325) in GCJ-02, to some metres. (The
    Wikipedia article on restrictions on geographic data in China shows the displacement for this place.)"""
    lat, lon = converted(39.907333, 116.391083, "wgs84", "gcj02")
    assert lat == pytest.approx(39.908735, abs=2e-4)
    assert lon == pytest.approx(116.397325, abs=2e-4)


def test_there_and_back_again():
    """Converting there and back comes home to less than a metre."""
    lat, lon = converted(*converted(31.2, 121.4, "wgs84", "gcj02"), "gcj02", "wgs84")
    assert (lat, lon) == pytest.approx((31.2, 121.4), abs=5e-6)


@pytest.mark.parametrize("point", [(52.5, 13.4), (37.57, 126.98), (22.28, 114.16), (25.03, 121.56), (0.0, 0.0)])
def test_outside_its_area_both_systems_agree(point):
    """Berlin, Seoul, Hong Kong, Taipei and the null island do not move."""
    lat, lon = point
    assert converted(lat, lon, "wgs84", "gcj02") == point
    assert converted(lat, lon, "gcj02", "wgs84") == point
