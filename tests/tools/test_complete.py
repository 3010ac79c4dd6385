"""Completion for bash: what a person may type next, and what bash makes of it."""

import subprocess
import unittest
from pathlib import Path

from machine.complete import candidates, replaced, split
from machine.run import parser
from machine.words import completions, guests

ROOT = Path(__file__).resolve().parents[2]


class CompleteTest(unittest.TestCase):
    """machine/complete.py and machine/words.py, without bash."""

    def test_split(self) -> None:
        for line, words, quote in (
            ("tools/run ", ["tools/run", ""], ""),
            ("tools/run --on  bo", ["tools/run", "--on", "bo"], ""),
            ('tools/run --append "a b=c', ["tools/run", "--append", "a b=c"], '"'),
            ("x 'a\"b' c\\ d", ["x", 'a"b', "c d"], ""),
            ('x "a\\"b" \'', ["x", 'a"b', ""], "'"),
        ):
            self.assertEqual(split(line), (words, quote), line)

    def test_options(self) -> None:
        def told(*words: str) -> list[str]:
            return candidates(parser(), ["tools/run", *words])

        self.assertEqual(told("--scr"), ["--screen", "--script", "--screenshot"])
        self.assertEqual(told("--on", "bo"), ["bochs"])
        self.assertEqual(told("--on=nes"), ["--on=nested-kvm"])
        self.assertEqual(told("--report", ""), [])  # a file
        self.assertEqual(told("--grub", "wrm"), ["wrmsr"])
        self.assertEqual(told("--append", "check=strict che"), ["check=strict check=", "check=strict check-entry="])
        self.assertEqual(told("--append=guest=hel"), ["--append=guest=hello"])

    def test_words(self) -> None:
        self.assertIn("guest=", completions(""))
        self.assertEqual(completions("du"), ["dump=vmcs"])
        self.assertEqual(completions("pret"), ["pretend="])
        self.assertEqual(completions("selft"), ["selftest=", "selftest"])
        self.assertEqual(completions("exit="), ["exit=halt", "exit=poweroff", "exit=reboot"])
        self.assertEqual(completions("console=c"), [f"console=com{n}" for n in (1, 2, 3, 4)])
        self.assertIn("console=tty0", completions("console=tty"))
        self.assertEqual(completions("selftest=fields,en"), ["selftest=fields,entry"])
        self.assertEqual(completions("guest=hello,cpu1:tri"), ["guest=hello,cpu1:triple-fault"])
        every = [f"guest={name}" for name in (*guests(), "all", "none")]
        self.assertEqual([name for name in every if name not in completions("guest=")], [])
        self.assertEqual(completions("pretend=0x"), [])
        self.assertEqual(completions("nonsense="), [])

    def test_what_bash_replaces(self) -> None:
        self.assertEqual(replaced(["guest=cpu1:spin"], "guest=cpu1:s", "", " =:"), ["spin"])
        self.assertEqual(replaced(["guest=cpu1:spin"], "guest=cpu1:s", '"', " =:"), ["guest=cpu1:spin"])
        self.assertEqual(replaced(["--on"], "--o", "", " =:"), ["--on"])


class BashTest(unittest.TestCase):
    """tools/completion.bash, asked as bash asks it when the tab key is pressed."""

    def _told(self, line: str) -> list[str]:
        script = (
            ". tools/completion.bash; compopt() { echo nospace; }; "
            f"COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; _rootmode_complete tools/run; "
            "printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        done = subprocess.run(
            ["bash", "--norc", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_in_bash(self) -> None:
        self.assertEqual(self._told("tools/run --append pre"), ["nospace", "pretend="])
        self.assertEqual(self._told("tools/run --append guest=hel"), ["hello"])
        self.assertEqual(self._told("tools/run --on b"), ["bochs"])
        self.assertEqual(self._told("tools/run --report x"), [])

    def test_who_is_completed(self) -> None:
        done = subprocess.run(
            ["bash", "--norc", "-c", ". tools/completion.bash; complete -p"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for tool in ("run", "gdb", "test"):
            for name in (f"tools/{tool}", f"./tools/{tool}", f"{ROOT}/tools/{tool}"):
                self.assertIn(f"-F _rootmode_complete {name}\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
