"""ConnectWise is called where ConnectWise is, whatever somebody types: no form of an address leads to an inner machine."""

import socket
import threading

import pytest

from flowpilot.errors import Invalid, Unavailable
from flowpilot.providers.connectwise import address
from flowpilot.providers.connectwise.address import checked, is_public
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import UnknownAddress
from flowpilot.providers.connectwise.sandbox import Reply

KEYS = {"company_id": "x", "public_key": "x", "private_key": "x", "client_id": "x"}
API = "/v4_6_release/apis/3.0"
HOSTILE = [
    "http://127.0.0.1",
    "https://127.0.0.1",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:{port}",
    "https://localhost:{port}",
    "https://LOCALHOST:{port}",
    "https://localhost.:{port}",
    "https://localhost.localdomain",
    "https://[::1]:{port}",
    "https://[::]:{port}",
    "https://[::ffff:127.0.0.1]:{port}",
    "https://[0:0:0:0:0:ffff:7f00:1]",
    "https://[fe80::1%25lo]:{port}",
    "https://[fec0::1]",
    "https://[64:ff9b::7f00:1]",
    "https://[2002:7f00:1::]",
    "https://0.0.0.0:{port}",
    "https://0:{port}",
    "https://127.1:{port}",
    "https://127.0.1:{port}",
    "https://2130706433:{port}",
    "https://0x7f000001:{port}",
    "https://0x7f.0.0.1:{port}",
    "https://0177.0.0.1:{port}",
    "https://017700000001:{port}",
    "https://127.0.0.1.:{port}",
    "https://127.000.000.001",
    "https://10.0.0.1",
    "https://192.168.1.1",
    "https://172.16.0.1",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1",
    "https://metadata.google.internal",
    "https://api-eu.myconnectwise.net@127.0.0.1:{port}",
    "https://api-eu.myconnectwise.net:x@127.0.0.1",
    "https://127.0.0.1#@api-eu.myconnectwise.net",
    "https://127.0.0.1?@api-eu.myconnectwise.net",
    "https://127.0.0.1\\@api-eu.myconnectwise.net",
    "https://api-eu.myconnectwise.net\\@127.0.0.1",
    "https://api-eu.myconnectwise.net.evil.example",
    "https://evil.example/api-eu.myconnectwise.net",
    "https://evil-api-eu.myconnectwise.net.example",
    "https://xapi-eu.myconnectwise.net",
    "https://api-eu.myconnectwise.net.",
    "https://api-eu-myconnectwise.net",
    "https://myconnectwise.net",
    "https://a.b.myconnectwise.net",
    "https://api-eu.myconnectwise.net:8443",
    "https://api-eu.myconnectwise.net:80",
    "https://api-eu.myconnectwise.net:0",
    "https://api-eu.myconnectwise.net:99999",
    "https://api-eu.myconnectwise.net:{port}",
    "http://api-eu.myconnectwise.net",
    "HTTP://api-eu.myconnectwise.net",
    "ftp://api-eu.myconnectwise.net",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "//127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "javascript:alert(1)",
    " https://127.0.0.1:{port}",
    "https://127.0.0.1:{port}\n",
    "https://api-eu.myconnectwise.net\r\nHost: 127.0.0.1",
    "https://api-eu.myconnectwise.net\t",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}",
    "https://api‐eu.myconnectwise.net",
    "https://api-eu。myconnectwise。net",
    "https://[api-eu.myconnectwise.net]",
    "https://[",
    "https://",
    "https:api-eu.myconnectwise.net",
    "",
]
INNER = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "no address",
    "",
]


@pytest.fixture
def hosted(settings):
    """FlowPilot as it is hosted: nothing on this machine may be called."""
    settings.PSA_LOOPBACK = False
    settings.PSA_HOSTS = ["cw.example.com"]
    return settings


@pytest.fixture
def listener():
    """A machine on the inside, which counts who reaches it. Gives its port and the count."""
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stopping = threading.Event()

        def accept():
            while not stopping.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                reached.append(connection)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], reached
        stopping.set()
        thread.join()


@pytest.fixture
def names(monkeypatch):
    """What names lead to, as an attacker's name server would say. Each asking takes the next answer, the last for ever."""
    answers = {}
    real = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host not in answers:
            return real(host, port, *args, **kwargs)
        said = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in said]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def test_there_are_as_many_forms_as_promised():
    assert len(set(HOSTILE)) >= 65


@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_no_form_of_an_address_leads_inside(hosted, listener, url):
    port, reached = listener
    with pytest.raises(Invalid):
        ConnectWise(base_url=url.format(port=port) + API, **KEYS)
    with pytest.raises(Invalid):
        checked(url.format(port=port))

    assert reached == []


@pytest.mark.parametrize("host", [*address.REGIONS, "na.myconnectwise.net", "cw.example.com"])
@pytest.mark.parametrize("port", ["", ":443"])
def test_regions_and_approved_hosts_may_be_called(hosted, host, port):
    assert checked(f"https://{host}{port}{API}").base_url == f"https://{host}{API}"


@pytest.mark.parametrize("inner", INNER)
def test_is_public_knows_inner_addresses(inner):
    assert not is_public(inner)


@pytest.mark.parametrize("outer", ["8.8.8.8", "20.50.2.1", "2606:4700::1", "::ffff:8.8.8.8"])
def test_is_public_knows_outer_addresses(outer):
    assert is_public(outer)


@pytest.mark.parametrize("inner", [["127.0.0.1"], ["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"], []])
def test_an_approved_name_that_leads_inside_is_not_called(hosted, names, listener, inner):
    names["cw.example.com"] = [inner]
    with ConnectWise(base_url=f"https://cw.example.com{API}", **KEYS) as client, pytest.raises(Unavailable):
        client.get_ticket(1)

    assert listener[1] == []


def test_a_name_that_answers_otherwise_the_second_time_is_not_followed(hosted, names, monkeypatch):
    """DNS rebinding: a public address is checked, the next answer is a loopback one. The connection goes to the checked one."""
    names["cw.example.com"] = [["93.184.216.34"], ["127.0.0.1"]]
    connected = []
    monkeypatch.setattr(socket, "create_connection", lambda to, *args, **kwargs: connected.append(to[0]) or _refuse())
    with ConnectWise(base_url=f"https://cw.example.com{API}", **KEYS) as client, pytest.raises(Unavailable):
        client.get_ticket(1)

    assert connected[0] == "93.184.216.34"
    assert "127.0.0.1" not in connected


def test_a_redirect_is_not_followed(connectwise, sandbox, base_url):
    sandbox.fail_next(Reply(302, "", {"Location": f"{base_url}/service/tickets/48213"}))
    with pytest.raises(UnknownAddress):
        connectwise.get_ticket(48213)

    assert len(sandbox.seen) == 1


def test_an_environment_proxy_is_not_used(monkeypatch, connectwise):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    assert connectwise.get_ticket(48213).id == 48213


def test_this_machine_may_be_called_where_that_is_set(settings, base_url):
    settings.PSA_LOOPBACK = True

    assert checked(base_url).base_url == base_url


def _refuse():
    raise OSError("refused")
