#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The packages that others build on, as their own tools judge them: the SDK's for npm and TypeScript, the extension's for Mozilla's store.

Usage: test_packages.py [-v] [TEST...]      MOKHOA_NODE_MODULES is where the browser tests' packages are; these get a folder beside it.
"""
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "browser"))
sys.dont_write_bytecode = True

import browser  # noqa: E402

SDK = os.path.join(ROOT, "portal", "sdk")
BROWSER_MODULES = os.environ.get("MOKHOA_NODE_MODULES", "")
MODULES = os.path.join(os.path.dirname(BROWSER_MODULES), "packages")
SIZE_MAX = 12 * 1024


def run(*command, cwd, **env):
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    return done.returncode, done.stdout


def tool(*words):
    """A program of npm's packages, on the Node that came from there too."""
    return [browser.node(BROWSER_MODULES) or "node", os.path.join(MODULES, "node_modules", *words)]


def read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return json.load(f)


def modules():
    """The SDK's modules, found as a browser finds them: from the first one by their imports."""
    found, left = set(), ["mokhoa.js"]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            with open(os.path.join(SDK, name), encoding="utf-8") as f:
                left += re.findall(r'from "\./([\w.-]+)"', f.read())
    return sorted(found)


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # on the tree's own disk, so that Node finds the packages above it
        cls.folder = tempfile.TemporaryDirectory(dir=MODULES)
        cls.at = cls.folder.name
        status, said = run("npm", "pack", "--silent", "--pack-destination", cls.at, cwd=SDK)
        if status != 0:
            raise AssertionError(said)
        [cls.packed] = [name for name in os.listdir(cls.at) if name.endswith(".tgz")]
        cls.installed = os.path.join(cls.at, "node_modules", "@mokhoa", "sdk")
        os.makedirs(cls.installed)
        subprocess.run(["tar", "-xzf", os.path.join(cls.at, cls.packed), "-C", cls.installed, "--strip-components=1"], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_package_has_what_it_names_and_nothing_else(self):
        package = read_json(SDK, "package.json")
        held = sorted(os.path.relpath(os.path.join(folder, name), self.installed) for folder, _, names in os.walk(self.installed) for name in names)
        self.assertEqual(held, sorted(package["files"] + ["package.json"]))
        for target in package["exports"].values():
            for path in target.values() if isinstance(target, dict) else [target]:
                self.assertIn(os.path.normpath(path), held)
        self.assertLessEqual(set(modules()), set(held))
        with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as f:
            self.assertEqual(package["version"], re.search(r"^project\(mokhoa VERSION ([0-9.]+)", f.read(), re.M).group(1))
        self.assertNotIn("dependencies", package)

    def test_package_is_imported_by_its_name(self):
        script = 'import * as sdk from "@mokhoa/sdk"; import { extensionTransport } from "@mokhoa/sdk/extension.js"; ' \
            'console.log(Object.keys(sdk).sort().join(" "), sdk.extensionTransport === extensionTransport);'
        with open(os.path.join(self.at, "use.mjs"), "w", encoding="utf-8") as f:
            f.write(script)
        status, said = run(browser.node(BROWSER_MODULES) or "node", "use.mjs", cwd=self.at)
        self.assertEqual((status, said.strip()), (0, "Mokhoa MokhoaError PROTOCOL browserErrors extensionTransport fromWire hostTransport isFinal websocketTransport whenLocalNetworkAllowed whyNoToken true"))

    def test_sample_compiles_strictly(self):
        samples = os.listdir(os.path.join(HERE, "sample"))
        for name in samples:
            shutil.copy(os.path.join(HERE, "sample", name), self.at)
        with open(os.path.join(self.at, "package.json"), "w", encoding="utf-8") as f:
            f.write('{"type": "module"}')
        strict = {"noEmit": True, "strict": True, "exactOptionalPropertyTypes": True, "noUncheckedIndexedAccess": True, "noImplicitOverride": True,
                  "verbatimModuleSyntax": True, "types": [], "target": "es2022", "lib": ["es2022", "dom"]}
        for way in ({"module": "nodenext", "moduleResolution": "nodenext"}, {"module": "esnext", "moduleResolution": "bundler"}):
            with open(os.path.join(self.at, "tsconfig.json"), "w", encoding="utf-8") as f:
                json.dump({"compilerOptions": {**strict, **way}, "files": samples}, f)
            status, said = run(*tool("typescript", "bin", "tsc"), "--project", ".", cwd=self.at)
            self.assertEqual(status, 0, f"{way}\n{said}")

    def test_size_of_what_is_served(self):
        total = 0
        for name in modules():
            with open(os.path.join(SDK, name), "rb") as f:
                total += len(gzip.compress(f.read(), 9))
        print(f"the SDK's {len(modules())} modules: {total} bytes, each gzipped as it is served; at most {SIZE_MAX}", file=sys.stderr)
        self.assertLessEqual(total, SIZE_MAX)

    def test_firefox_build_passes_mozillas_linter(self):
        command = [sys.executable, os.path.join(ROOT, "webext", "build.py"), "--out", os.path.join(self.at, "webext"), "--origin", "https://portal.ca.example"]
        made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        status, said = run(*tool("web-ext", "bin", "web-ext.js"), "lint", "--warnings-as-errors", "--output", "json", "--source-dir", made["firefox"], cwd=self.at,
                           HOME=self.at, NO_UPDATE_NOTIFIER="1")
        found = json.loads(said[said.index("{"):said.rindex("}") + 1])
        print(f"web-ext lint: {found['summary']}", file=sys.stderr)
        self.assertEqual((status, found["errors"], found["warnings"]), (0, [], []))
        self.assertEqual(found["summary"]["notices"], 0, found["notices"])


if __name__ == "__main__":
    for fault in (browser.install(BROWSER_MODULES), browser.install(MODULES, HERE)):
        if fault:
            print(fault, file=sys.stderr)
            sys.exit(77)
    unittest.main()
