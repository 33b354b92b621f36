"""A link logs in once, whoever is first."""

from concurrent.futures import ThreadPoolExecutor

from attacks import open_to_others

from dagfactory.run.links import PREFIX, make_link, take_link

PAGE = "http://127.0.0.1:8080/dags/whole/runs/manual__2026-01-05T00:00:00+00:00"


def secret_of(link):
    return link.partition(PREFIX)[2]


def test_a_link_opens_its_page_once(tmp_path):
    link = make_link(tmp_path / "links", PAGE)
    assert link.startswith("http://127.0.0.1:8080/auth/once/")
    found = [take_link(tmp_path / "links", secret_of(link)) for _ in range(2)]
    assert found == ["/dags/whole/runs/manual__2026-01-05T00:00:00+00:00", None]


def test_of_many_who_ask_at_once_one_gets_in(tmp_path):
    for _ in range(50):
        secret = secret_of(make_link(tmp_path, PAGE))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _, s=secret: take_link(tmp_path, s), range(8)))
        assert len(found) - found.count(None) == 1


def test_no_guess_opens_a_link_and_no_file_tells_one(tmp_path):
    folder = tmp_path / "links"
    secret = secret_of(make_link(folder, PAGE))
    (name,) = [path.name for path in folder.iterdir()]
    for guess in ("", ".", "..", name, secret[:-1], f"../links/{name}", "\0", "\N{SNOWMAN}"):
        assert take_link(folder, guess) is None
    assert secret not in name + (folder / name).read_text()
    assert open_to_others(folder) == []
    assert take_link(folder, secret)
