"""The sum of what is under way."""

from serving.in_flight import InFlight


def test_it_lets_no_more_in_than_its_limit() -> None:
    in_flight = InFlight(2)
    assert [in_flight.enter(), in_flight.enter(), in_flight.enter()] == [True, True, False]
    assert in_flight.count == 2
    in_flight.leave()
    assert in_flight.enter()


def test_amounts_that_do_not_fit_leave_it_as_it_was() -> None:
    in_flight = InFlight(10)
    assert [in_flight.enter(7), in_flight.enter(4), in_flight.enter(3)] == [True, False, True]
    in_flight.leave(7)
    assert in_flight.count == 3
