"""
What bench/run promises, one promise to a test.

Most tests run it on a made-up build, whose subjects print given samples, so
that nothing here depends on how fast or noisy the machine is.

    runner_test.py BUILD    BUILD: whose real subjects are tried as well

SPDX-License-Identifier: BSD-2-Clause
"""

import json
import random
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path

sys.dont_write_bytecode = True
BENCH = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

from runner import catalogue, sampling, statistics  # noqa: E402

BUILD = None  # set from the command line

# A subject that prints the next line of a file beside it at each run.
FAKE = """#!/bin/sh
if [ "$1" = --list ]; then
    echo {workload}
    exit
fi
printf x >>"$0.runs"
sed -n "$(wc -c <"$0.runs")p" "$0.lines"
"""

# So small that a real subject takes milliseconds.
TINY = {"n": 1000, "threads": 2}
TINY_OF = {"fib": {"n": 12}, "gap": {"n": 4}, "lost": {"n": 2}, "lost-in-libc": {"n": 2},
           "handover": {"n": 3}, "late": {"n": 3},
           "mutex": {"n": 2}, "mutex-many": {"n": 2, "threads": 100},
           "ticket": {"n": 2, "threads": 2}, "rwlock": {"n": 2}}
# Of these there are as many threads as there must be.
TINY_OF |= {workload: {"n": 1000} for workload in (
    "one-to-one", "one-to-one-batches", "pool-handed", "round-trip", "spsc", "spsc-batches")}
# Of these one takes as long as a thousand others do.
TINY_OF |= {workload: {"n": 2} for workload in ("fault-end", "map", "protect", "exclusive")}
TINY_OF["snapshot"] = {"bytes": 1 << 20}


def noisy(around, noise=0.02, n=40, seed=1):
    """Samples like those of a machine: skewed, with an outlier now and then."""
    draw = random.Random(seed)
    return [around * (1 + abs(draw.gauss(0, noise)) + (draw.random() < 0.05))
            for _ in range(n)]


def run(*arguments):
    return subprocess.run([sys.executable, BENCH / "run", *map(str, arguments)],
                          capture_output=True, text=True)


class Fakes(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def build(self, name, workload="spawn", **subjects):
        """A build directory with these subjects, each with its samples."""
        build = self.directory / name
        programs = build / "bench" / "subjects"
        programs.mkdir(parents=True)
        for subject, samples in subjects.items():
            self.subject(programs / subject, workload, samples)
        return build

    def subject(self, path, workload, samples):
        path.write_text(FAKE.format(workload=workload))
        path.chmod(0o755)
        lines = [json.dumps({"ns": ns}) + "\n" for ns in samples]
        path.with_name(path.name + ".lines").write_text("".join(lines))

    def result(self, name, **subjects):
        file = self.directory / f"{name}.json"
        done = run("--build", self.build(name, **subjects), "spawn", "--json", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file


class Against(Fakes):
    def test_a_build_does_not_differ_from_itself(self):
        build = self.build("one", vcore=noisy(40))
        done = run("--build", build, "--against", build, "spawn")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\nno difference\n", done.stdout)

    def test_a_slower_build_differs(self):
        old = self.build("old", vcore=noisy(40))
        new = self.build("new", vcore=noisy(44, seed=2))
        done = run("--build", new, "--against", old, "spawn")
        self.assertRegex(done.stdout, r"spawn.* 1\.\d+ +\d+\.\d % more")
        self.assertIn("1 of 1 differ", done.stdout)

    def test_a_difference_lost_in_noise_is_not_claimed(self):
        old = self.build("old", vcore=noisy(40, noise=0.3))
        new = self.build("new", vcore=noisy(41, noise=0.3, seed=2))
        done = run("--build", new, "--against", old, "spawn")
        self.assertIn("\nno difference\n", done.stdout)


    def test_a_build_that_fails_fails_the_run(self):
        old = self.build("old", vcore=noisy(40))
        new = self.build("new", vcore=noisy(40, n=3))
        done = run("--build", new, "--against", old, "spawn")
        self.assertEqual(done.returncode, 1)
        self.assertIn("failed: spawn: vcore", done.stdout)


class Compare(Fakes):
    def test_a_result_does_not_differ_from_itself(self):
        file = self.result("one", vcore=noisy(40))
        done = run("--compare", file, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\nno difference\n", done.stdout)

    def test_a_faster_result_differs(self):
        done = run("--compare", self.result("old", vcore=noisy(40)),
                   self.result("new", vcore=noisy(30, seed=2)))
        self.assertRegex(done.stdout, r"spawn.* 0\.\d+ +\d+\.\d % less")

    def test_a_difference_of_the_machine_is_not_one_of_the_build(self):
        old = self.result("old", vcore=noisy(40))
        new = self.result("new", vcore=noisy(44, seed=2))
        for file, ns in (old, 1.0), (new, 1.2):
            document = json.loads(file.read_text())
            document["cases"]["reference"] = {"values": {"machine": {"ns": [ns] * 9}}}
            file.write_text(json.dumps(document))
        done = run("--compare", old, new)
        self.assertIn("the machine itself differs by 20.0 %", done.stdout)
        self.assertIn("\nno difference\n", done.stdout)

    def test_too_few_samples_are_not_taken_for_no_difference(self):
        file = self.directory / "few.json"
        run("--build", self.build("few", vcore=noisy(40)), "spawn", "--json", file,
            "--repetitions", 2)
        done = run("--compare", file, file)
        self.assertIn("0 differ, 1 of 1 had too few samples", done.stdout)
        self.assertNotIn("no difference", done.stdout)

    def test_anything_else_is_no_result(self):
        file = self.directory / "else.json"
        file.write_text("{}")
        self.assertEqual(run("--compare", file, file).returncode, 2)


class Run(Fakes):
    def test_the_table_gives_ratio_and_aim(self):
        build = self.build("one", vcore=[30] * 9, slow=[90] * 9, slower=[120] * 9)
        done = run("--build", build, "spawn")
        self.assertRegex(done.stdout, r"vcore +30\.0 .* 0\.33  aim ≤ 35\.0, met")
        self.assertRegex(done.stdout, r"slower +120\.0 .* 1\.33\n")

    def test_an_aim_can_be_missed(self):
        done = run("--build", self.build("one", vcore=[36] * 9), "spawn")
        self.assertIn("aim ≤ 35.0, missed", done.stdout)

    def test_of_a_rate_more_is_better(self):
        build = self.build("one", "mutex", vcore=[20] * 9, slow=[40] * 9, slower=[50] * 9)
        done = run("--build", build, "mutex-4")
        self.assertRegex(done.stdout, r"vcore +50\.0 .* 2\.00  aim ≥ 45\.0, met\n +slow .* 1\.00\n"
                                      r" +slower +20\.0 .* 0\.80\n")

    def test_a_variant_of_ours_is_no_peer(self):
        build = self.build("one", "rwlock", **{"vcore": [20] * 9, "vcore-fair": [10] * 9,
                                               "peer": [40] * 9})
        done = run("--build", build, "rwlock-31to1-4")
        self.assertRegex(done.stdout, r"vcore-fair +100\.0 .* 4\.00  aim ≥ 35\.0, met")
        self.assertRegex(done.stdout, r"vcore +50\.0 .* 2\.00  aim")

    def test_where_there_is_no_aim_none_is_shown(self):
        build = self.build("one", "mutex", vcore=[20] * 9)
        page = self.directory / "page"
        done = run("--build", build, "mutex-2", "--html", page)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("aim", done.stdout)
        self.assertNotIn("aim", (page / "mutex-2-ns.svg").read_text().split("</style>")[1])

    def test_subjects_that_noise_hides_are_named(self):
        build = self.build("one", vcore=noisy(40, 0.4), peer=noisy(41, 0.4, seed=2))
        done = run("--build", build, "spawn")
        self.assertRegex(done.stdout, "warning: too noisy to tell (vcore|peer) and")

    def test_subjects_that_are_equal_are_named(self):
        build = self.build("one", vcore=noisy(40, 0.001), peer=noisy(40, 0.001, seed=2))
        done = run("--build", build, "spawn")
        self.assertRegex(done.stdout, "no difference: (vcore|peer) and")

    def test_a_noisy_machine_is_told(self):
        build = self.build("one", "reference", machine=[1.0, 1.1, 1.2, 1.3, 1.4] * 2)
        done = run("--build", build, "spawn")
        self.assertIn("warning: the machine is noisy", done.stdout)

    def test_some_cases_are_measured_only_when_asked_for(self):
        build = self.build("one", "one-to-one", vcore=[20] * 99)
        done = run("--build", build, "--repetitions", 1)
        self.assertIn("1024 messages of 8 bytes", done.stdout)
        self.assertNotIn("64 messages of 1024 bytes", done.stdout)
        done = run("--build", build, "--repetitions", 1, "product-1to1-1-64x1024")
        self.assertIn("64 messages of 1024 bytes", done.stdout)

    def test_a_subject_that_fails_fails_the_run_but_not_the_others(self):
        build = self.build("one", vcore=noisy(40), broken=[])
        done = run("--build", build, "spawn")
        self.assertEqual(done.returncode, 1)
        self.assertIn("failed: broken", done.stdout)
        self.assertRegex(done.stdout, r"vcore +4\d")

    def test_a_build_without_subjects_is_an_error(self):
        done = run("--build", self.directory, "spawn")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no subjects", done.stderr)

    def test_an_unknown_case_is_an_error(self):
        self.assertEqual(run("--build", self.directory, "nothing").returncode, 2)

    def test_a_document_gets_medians_and_sizes_of_one_question_in_a_row(self):
        build = self.build("one", "protect", vcore=[2000] * 18, peer=[4000] * 18)
        done = run("--build", build, "--markdown", "protect")
        self.assertIn("\n| protect-1, 256, µs | 2.00, 2.00 |  | peer 4.00, 4.00 |\n", done.stdout)

    def test_a_document_gets_our_variants_in_one_place_and_the_aim(self):
        build = self.build("one", vcore=[40] * 9, **{"vcore-other": [30] * 9, "peer": [20] * 9})
        done = run("--build", build, "--markdown", "spawn")
        self.assertIn("\n| spawn, ns a thread | 40.0; other 30.0 | 35.0 | peer 20.0 |\n",
                      done.stdout)

    def test_a_document_gets_a_row_for_each_metric(self):
        build = self.build("one", "snapshot", vcore=[1] * 6)
        for line in (build / "bench" / "subjects").glob("*.lines"):
            line.write_text('{"ns": 1, "take": 3e6, "some": 4e6, "all": 5e6}\n' * 6)
        done = run("--build", build, "--markdown", "snapshot")
        self.assertIn("| snapshot, ms to take it | 3.00 |  |  |\n", done.stdout)
        self.assertIn("| snapshot, ms to write to all pages then | 5.00 |  |  |\n", done.stdout)

    def test_the_page_contains_a_plot_of_each_case(self):
        build = self.build("one", vcore=noisy(40), peer=noisy(40000))
        page = self.directory / "page"
        run("--build", build, "spawn", "--html", page)
        self.assertIn('src="spawn-ns.svg"', (page / "index.html").read_text())
        plot = xml.etree.ElementTree.parse(page / "spawn-ns.svg").getroot()
        samples = plot.findall(".//*[@class='sample']")
        self.assertEqual(len(samples), 2 * 9)


class Statistics(unittest.TestCase):
    def test_the_median_interval_is_the_tabulated_one(self):
        for n, low, high in (6, 1, 6), (9, 2, 8), (20, 6, 15):
            found = statistics.median_interval(range(1, n + 1), 0.95)
            self.assertEqual(found, (low, high))

    def test_five_samples_bound_no_median_with_95_percent(self):
        low, high = statistics.median_interval([1, 2, 3, 4, 5], 0.95)
        self.assertLess(low, 1)
        self.assertGreater(high, 5)

    def test_few_samples_never_differ(self):
        self.assertFalse(statistics.compare([1, 1, 1], [9, 9, 9]).different)

    def test_equals_differ_as_rarely_as_asked(self):
        found = [statistics.compare(noisy(1, n=7, seed=seed), noisy(1, n=7, seed=seed + 10**6),
                                    alpha=0.1, least=0).different
                 for seed in range(1000, 1500)]
        self.assertLess(sum(found), 0.13 * len(found))

    def test_a_known_ratio_is_within_its_interval(self):
        found = [statistics.compare(noisy(1, n=7, seed=seed), noisy(2, n=7, seed=seed + 10**6),
                                    alpha=0.1)
                 for seed in range(1000, 1500)]
        inside = sum(one.low <= 2 <= one.high for one in found)
        self.assertGreater(inside, 0.87 * len(found))


class Subjects(unittest.TestCase):
    def test_real_subjects_print_what_the_catalogue_wants(self):
        for subject in sampling.discover(BUILD):
            for case in catalogue.CASES:
                if case.workload in subject.workloads:
                    with self.subTest(subject=subject.name, case=case.name):
                        self.try_out(subject, case)

    def try_out(self, subject, case):
        tiny = replace(case, arguments=case.arguments | TINY_OF.get(case.workload, TINY))
        tiny.arguments.pop("time", None)
        done = subprocess.run(sampling.command(subject, tiny, shorter=False),
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        for key in (*(metric.key for metric in case.metrics), *case.columns):
            self.assertGreaterEqual(result[key], 0)
        self.assertGreater(result["ns"], 0)

    def test_real_subjects_refuse_what_they_do_not_know(self):
        for subject in sampling.discover(BUILD):
            workload = sorted(subject.workloads)[0]
            for wrong in ["nothing"], [workload, "nothing=1"], [workload, "n=x"]:
                with self.subTest(subject=subject.name, arguments=wrong):
                    done = subprocess.run([subject.path, *wrong], capture_output=True)
                    self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
