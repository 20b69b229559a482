"""How many threads there are, that they share work without loss, and that BLAS stays out of it."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from processes import hearing_ctrl_c, python
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule import threads as module
from rnnlens.engine.schedule.threads import aside, each, one_blas_thread, quota, share, threads
from rnnlens.errors import InputError


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    quota.cache_clear()


@pytest.mark.parametrize("stated", ["0", "-1", "1.5", "many", "²", "1e1"])
def test_the_number_of_threads_must_be_a_whole_number_from_one_up(stated, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", stated)
    with pytest.raises(InputError, match="RNNLENS_THREADS must be a whole number from 1 up"):
        threads()


@pytest.mark.parametrize(("stated", "count"), [("1", 1), ("7", 7), (" 3 ", 3)])
def test_the_stated_number_of_threads_is_used(stated, count, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", stated)
    assert threads() == count


@pytest.mark.parametrize(
    ("cores", "allowed", "count"),
    [(8, 1.5, 2), (8, None, 8), (2, 3.0, 2), (8, 0.2, 1), (8, 4.0, 4)],
)
def test_threads_are_as_many_as_cores_and_container_allow(cores, allowed, count, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(module, "quota", lambda: allowed)
    assert threads() == count


def test_without_affinity_the_cores_of_the_machine_count(monkeypatch):
    monkeypatch.delenv("RNNLENS_THREADS")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setattr(module, "quota", lambda: None)
    assert threads() == 5


def system(root, groups, **files):
    """Lay out a file system as Linux shows control groups."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for path, text in files.items():
        place = root / "sys/fs/cgroup" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "100000 50000\n", "a/cpu.max": "300000 100000\n"}, 2.0),
        ("0::/../host/pod\n", {"cpu.max": "250000 100000\n"}, 2.5),  # the host's name for the root
        (
            "4:memory:/m\n3:cpu,cpuacct:/box\n",
            {
                "cpu,cpuacct/box/cpu.cfs_quota_us": "150000\n",
                "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
            },
            1.5,
        ),
        (
            "3:cpu,cpuacct:/docker/0123\n0::/\n",
            {"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            4.0,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("3:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "1\n"}, None),
        ("0::/\n", {"cpu.max": "garbage\n"}, None),
    ],
)
def test_the_quota_of_a_container_is_found(groups, files, expected, tmp_path):
    assert quota(system(tmp_path, groups, **files)) == expected


def test_every_sample_is_worked_on_once(monkeypatch):
    for count in ("1", "2", "5"):
        monkeypatch.setenv("RNNLENS_THREADS", count)
        for samples in (0, 1, 31, 32, 33, 1000):
            seen = np.zeros(samples, int)
            begun = []

            def work(begin, end, seen=seen, begun=begun):
                seen[begin:end] += 1
                begun.append(begin)

            share(work, samples, 32)
            assert (seen == 1).all()
            assert all(begin % 32 == 0 for begin in begun)


def test_work_goes_to_several_threads_and_what_is_shared_within_stays():
    names = {}

    def work(k):
        mine = threading.current_thread().name
        time.sleep(0.01)
        inner = set()
        share(lambda a, b: inner.add(threading.current_thread().name), 1000, 1)
        names[k] = (mine, inner)

    each(work, [(k,) for k in range(8)])
    assert len({mine for mine, _ in names.values()}) == 2
    assert all(inner == {mine} for mine, inner in names.values())


def test_an_error_ends_the_work_and_the_threads_serve_on():
    done = []

    def work(k):
        if k == 3:
            raise ValueError("the fourth")
        time.sleep(0.01)
        done.append(k)

    with pytest.raises(ValueError, match="the fourth"):
        each(work, [(k,) for k in range(100)])
    assert len(done) < 20
    later = []
    each(later.append, [(k,) for k in range(10)])
    assert sorted(later) == list(range(10))


def test_ctrl_c_ends_what_is_begun_and_the_threads_serve_on():
    begun, ended = [], []

    def work(k):
        begun.append(k)
        for _ in range(1000):  # what shares work within, ends where it would share
            share(lambda a, b: time.sleep(0.01), 1, 1)
        ended.append(k)

    def interrupt():
        while len(begun) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with hearing_ctrl_c(), pytest.raises(KeyboardInterrupt):
        each(work, [(k,) for k in range(50)])
    thread.join()
    later = []
    each(later.append, [(k,) for k in range(10)])  # after those two have ended
    assert sorted(later) == list(range(10))
    assert len(begun) == 2
    assert ended == []


def test_a_forked_process_has_threads_of_its_own():
    code = (
        "import os; os.environ['RNNLENS_THREADS'] = '2'\n"
        "from rnnlens.engine.schedule.threads import each\n"
        "each(lambda k: None, [(k,) for k in range(9)])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    each(lambda k: None, [(k,) for k in range(9)])\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    forked = python("-W", "ignore", "-c", code)
    assert forked.stdout == "7\n", forked.stderr


def test_blas_has_one_thread_within_and_what_was_set_after():
    with threadpool_limits(3, user_api="blas"):
        assert set(blas_threads()) == {3}
        with one_blas_thread():
            assert set(blas_threads()) == {1}
            with one_blas_thread():
                assert set(blas_threads()) == {1}
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {3}
        with pytest.raises(ZeroDivisionError), one_blas_thread():
            raise ZeroDivisionError
        assert set(blas_threads()) == {3}


def test_threads_of_the_user_hold_blas_together():
    with threadpool_limits(3, user_api="blas"):
        seen = []
        first, second = threading.Event(), threading.Event()

        def hold():
            with one_blas_thread():
                first.set()
                second.wait(5)

        thread = threading.Thread(target=hold)
        thread.start()
        first.wait(5)
        with one_blas_thread():
            pass
        seen.append(set(blas_threads()))  # the other one still holds it
        second.set()
        thread.join()
        seen.append(set(blas_threads()))
    assert seen == [{1}, {3}]


def test_a_network_runs_with_one_blas_thread(rng, monkeypatch):
    from networks import forecaster
    from rnnlens.engine.operations import linear

    seen = []
    product = linear._product
    monkeypatch.setattr(
        linear, "_product", lambda x, W: seen.append(blas_threads()) or product(x, W)
    )
    with threadpool_limits(3, user_api="blas"):
        predict(forecaster("lstm", rng), rng.normal(size=(200, 7, 3)))
        assert set(blas_threads()) == {3}
    assert seen
    assert all(set(counts) == {1} for counts in seen)


def test_a_blas_that_is_loaded_while_others_are_held_is_held_too():
    code = (
        "import sys\n"
        "from threadpoolctl import threadpool_info\n"
        "import numpy\n"
        "from rnnlens.engine.schedule.threads import one_blas_thread\n"
        "def counts():\n"
        "    known = threadpool_info()\n"
        "    return [one['num_threads'] for one in known if one['user_api'] == 'blas']\n"
        "with one_blas_thread():\n"
        "    assert 'scipy.linalg' not in sys.modules\n"
        "    import scipy.linalg\n"
        "    with one_blas_thread():\n"
        "        print(set(counts()))\n"
        "print(all(count > 1 for count in counts()))\n"
    )
    done = python("-c", code, OPENBLAS_NUM_THREADS="3")
    assert done.stdout == "{1}\nTrue\n", done.stderr


def test_work_aside_goes_on_meanwhile_and_both_share_among_the_threads():
    met = threading.Barrier(2, timeout=10)
    done = np.zeros((2, 40))

    def work(row):
        met.wait()  # where one waited for the other to end, neither would come here
        share(lambda begin, end: done[row].__setitem__(slice(begin, end), 1.0), 40, 1)
        return threading.get_ident()

    with aside(lambda: work(0)) as other:
        here = work(1)
        assert other.result() != here
    assert done.all()


@pytest.mark.parametrize("where", ["one thread", "within shared work", "not at once"])
def test_work_aside_waits_for_who_asks_where_there_is_no_other_thread(where, monkeypatch):
    if where == "one thread":
        monkeypatch.setenv("RNNLENS_THREADS", "1")
    began = []

    def ask(_=0):
        with aside(
            lambda: began.append(threading.get_ident()), at_once=where != "not at once"
        ) as it:
            assert not began
            it.result()
            assert began == [threading.get_ident()]

    if where == "within shared work":
        each(lambda one: ask() if one == 0 else None, [(0,), (1,)])
    else:
        ask()
    assert len(began) == 1


def test_an_error_aside_is_raised_where_the_result_is_asked_for():
    def fail():
        raise ZeroDivisionError

    with aside(fail) as other, pytest.raises(ZeroDivisionError):
        other.result()


def test_work_aside_that_is_dropped_ends_where_it_shares_work():
    begun, steps = threading.Event(), []

    def work():
        begun.set()
        for _ in range(10_000):
            each(lambda one: time.sleep(0.001), [(0,), (1,)])
            steps.append(1)

    def left():
        with aside(work):
            begun.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        left()
    assert len(steps) < 5_000
    assert not [one for one in threading.enumerate() if one.name == "rnnlens-aside"]


def test_what_waits_for_work_aside_is_called_now_and_then(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    go_on, calls = threading.Event(), []

    def waiting():
        calls.append(threading.get_ident())
        if len(calls) == 3:
            go_on.set()

    with aside(lambda: go_on.wait(10)) as other:
        assert other.result(waiting)
    assert set(calls) == {threading.get_ident()}
