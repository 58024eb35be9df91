"""What another system of the city does: looks organisations up, reads the record, follows a district board's inbox."""

import uuid

import grpc
import pytest
from handslag_client import messages, stub, token

registry, registry_pb = stub("registry"), messages("registry")
commitments, commitments_pb = stub("commitments"), messages("commitments")
notifications, notifications_pb = stub("notifications"), messages("notifications")
reporting, reporting_pb = stub("reporting"), messages("reporting")


def agreement():
    return registry.ListAgreements(registry_pb.ListAgreementsRequest()).agreements[-1]


def test_looks_an_organisation_up_by_its_number_as_of_a_day():
    request = registry_pb.LookUpOrganisationRequest(number="442000-0000", agreement=agreement().name)
    some = registry.ListOrganisations(
        registry_pb.ListOrganisationsRequest(filter={"query": "Exempelföreningen Ankaret"})
    ).organisations[0]
    request.number = some.number
    request.as_of.year, request.as_of.month, request.as_of.day = 2013, 1, 1
    answer = registry.LookUpOrganisation(request).look_up
    assert answer.known and answer.signatory and answer.approach_applies
    assert answer.organisation == some.name
    request.as_of.year = 2011
    before = registry.LookUpOrganisation(request).look_up
    assert not before.signatory and before.approach_applies


def test_an_unknown_number_is_an_answer_and_a_personal_number_is_refused():
    request = registry_pb.LookUpOrganisationRequest(number="802411-8310", agreement=agreement().name)
    answer = registry.LookUpOrganisation(request).look_up
    assert not answer.known and not answer.signatory and answer.approach_applies
    with pytest.raises(grpc.RpcError) as refused:
        registry.LookUpOrganisation(
            registry_pb.LookUpOrganisationRequest(number="811218-9876", agreement=agreement().name)
        )
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "811218" not in refused.value.details()


def test_looks_many_up_in_one_call():
    page = registry.ListOrganisations(registry_pb.ListOrganisationsRequest(page_size=500)).organisations
    numbers = [organisation.number for organisation in page if organisation.number]
    answers = registry.BatchLookUpOrganisations(
        registry_pb.BatchLookUpOrganisationsRequest(numbers=numbers, agreement=agreement().name)
    ).look_ups
    assert [answer.number for answer in answers] == numbers
    assert all(answer.known for answer in answers)


def test_reads_the_whole_record_page_by_page():
    request = registry_pb.ListProceedingsRequest(agreement=agreement().name, page_size=7)
    steps = []
    while True:
        page = registry.ListProceedings(request)
        steps += page.proceedings
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert len({step.name for step in steps}) == len(steps) > 30
    years = [step.held_on.year for step in steps]
    assert years == sorted(years)


def test_a_repeated_command_answers_its_first_answer():
    metadata = token("--role", "operator")
    code = "area-" + uuid.uuid4().hex[:12]
    request = registry_pb.CreateAreaRequest(request_id=str(uuid.uuid4()), area_id=code, title={"sv": "Prov"})
    first = registry.CreateArea(request, metadata=metadata)
    assert registry.CreateArea(request, metadata=metadata) == first
    request.title.sv = "Ett annat prov"
    with pytest.raises(grpc.RpcError) as refused:
        registry.CreateArea(request, metadata=metadata)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION


def test_nobody_writes_without_a_token():
    with pytest.raises(grpc.RpcError) as refused:
        registry.CreateArea(registry_pb.CreateAreaRequest(request_id=str(uuid.uuid4()), area_id="x-y"))
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_district_board_reads_its_stream_and_resumes_it():
    metadata = token("--role", "district-board", "--district", "farsta")
    subscriber = notifications.ListSubscribers(
        notifications_pb.ListSubscribersRequest(), metadata=metadata
    ).subscribers[0]

    def read(count: int, resume_token: str = ""):
        request = notifications_pb.StreamNotificationsRequest(subscriber=subscriber.name, resume_token=resume_token)
        stream = notifications.StreamNotifications(request, metadata=metadata, timeout=30)
        read = []
        for item in stream:
            if item.HasField("notification"):
                read.append(item)
            if len(read) == count:
                stream.cancel()
                return read

    first = read(5)
    assert [item.notification.position for item in first] == [1, 2, 3, 4, 5]
    then = read(5, first[-1].resume_token)
    assert [item.notification.position for item in then] == [6, 7, 8, 9, 10]
    assert all(item.notification.title.sv for item in first + then)


def test_a_district_board_does_not_read_the_inbox_of_another():
    own = token("--role", "district-board", "--district", "farsta")
    everyone = notifications.ListSubscribers(
        notifications_pb.ListSubscribersRequest(page_size=100), metadata=token("--role", "operator")
    ).subscribers
    other = next(entry for entry in everyone if entry.district_board == "districtBoards/bromma")
    with pytest.raises(grpc.RpcError) as refused:
        notifications.ListNotifications(
            notifications_pb.ListNotificationsRequest(subscriber=other.name), metadata=own
        )
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_figures_are_counted_and_reported_ones_stand_apart():
    answer = reporting.GetSignatoriesOverTime(
        reporting_pb.GetSignatoriesOverTimeRequest(agreement=agreement().name)
    )
    assert answer.points[-1].signed == 72
    assert sorted(figure.value for figure in answer.reported_figures) == [60, 70, 72, 100]
    without = reporting.GetSignatoriesOverTime(
        reporting_pb.GetSignatoriesOverTimeRequest(agreement=agreement().name, exclude_examples=True)
    )
    assert not without.points or without.points[-1].signed == 0
