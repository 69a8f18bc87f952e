#!/usr/bin/env python3
"""compare_layout.py objects to each way in which a contract can break, and to nothing else."""
import json
import pathlib
import tempfile
import unittest

import compare_layout

OLD = {"sizeof sy_tensor": 8, "offsetof sy_tensor.data": 0,
       "sizeof sy_info": 16, "offsetof sy_info.struct_size": 0, "offsetof sy_info.reserved": 4,
       "offsetof sy_info.k": 8, "SY_ABI_MAJOR": 0, "SY_ABI_MINOR": 1, "SY_RED": 3, "SY_NAME": "sy.name/1"}


def grown(**changes):
    """OLD with a higher minor and the changes; None removes a key."""
    layout = {**OLD, "SY_ABI_MINOR": 2}
    for key, value in changes.items():
        name = key.replace("__", " ", 1).replace("_dot_", ".")
        if value is None:
            del layout[name]
        else:
            layout[name] = value
    return layout


class Growth(unittest.TestCase):
    def objections(self, **changes):
        return compare_layout.growth_problems(OLD, grown(**changes))

    def test_takes_appended_fields_and_new_names(self):
        self.assertEqual(self.objections(), [])
        self.assertEqual(self.objections(sizeof__sy_info=24, offsetof__sy_info_dot_more=16, SY_BLUE=4,
                                         sizeof__sy_new=4, offsetof__sy_new_dot_a=0), [])

    def test_takes_a_name_for_what_was_reserved(self):
        self.assertEqual(self.objections(offsetof__sy_info_dot_reserved=None, offsetof__sy_info_dot_flags=4), [])

    def test_refuses_a_field_that_is_gone_or_moved(self):
        self.assertEqual(self.objections(offsetof__sy_info_dot_reserved=None),
                         ["sy_info.reserved: was at 4, now gone"])
        self.assertEqual(self.objections(offsetof__sy_info_dot_k=12), ["sy_info.k: was at 8, now at 12"])

    def test_refuses_a_field_in_between(self):
        self.assertEqual(self.objections(offsetof__sy_info_dot_x=6),
                         ["sy_info.x: new at 6, not behind the older fields"])

    def test_refuses_another_size(self):
        self.assertEqual(self.objections(sizeof__sy_info=12), ["sy_info: had 16 bytes, now 12"])
        self.assertEqual(self.objections(sizeof__sy_tensor=16), ["sy_tensor: had 8 bytes, now 16"])

    def test_refuses_a_struct_or_constant_that_is_gone_or_changed(self):
        self.assertEqual(self.objections(sizeof__sy_tensor=None, offsetof__sy_tensor_dot_data=None),
                         ["sy_tensor: gone"])
        self.assertEqual(self.objections(SY_RED=5), ["SY_RED: was 3, now 5"])
        self.assertEqual(self.objections(SY_NAME=None), ["SY_NAME: was 'sy.name/1', now 'gone'"])

    def test_wants_a_higher_minor(self):
        self.assertEqual(compare_layout.growth_problems(OLD, OLD), ["SY_ABI_MINOR: was 1, must be more, is 1"])


class Files(unittest.TestCase):
    def problems(self, found, **layouts):
        with tempfile.TemporaryDirectory() as directory:
            for name, layout in layouts.items():
                pathlib.Path(directory, f"{name}.json").write_text(json.dumps(layout))
            return [problem.replace(directory, "DIR") for problem in compare_layout.all_problems(found, directory)]

    def test_wants_its_own_minor_equal_and_older_ones_as_prefixes(self):
        new = grown(SY_BLUE=4)
        self.assertEqual(self.problems(new, abi_0_1=OLD, abi_0_2=new), [])
        self.assertEqual(self.problems(new, abi_0_1=OLD), ["DIR has no abi_0_2.json"])
        self.assertEqual(self.problems(new, abi_0_2=grown()),
                         ["abi_0_2.json: SY_BLUE: new (4), not in the promised file"])
        self.assertEqual(self.problems(new, abi_0_1={**OLD, "SY_GREEN": 9}, abi_0_2=new),
                         ["abi_0_1.json: SY_GREEN: was 9, now 'gone'"])

    def test_leaves_another_major_alone_and_refuses_a_newer_minor(self):
        self.assertEqual(self.problems(OLD, abi_0_1=OLD, abi_1_7={}), [])
        self.assertEqual(self.problems(OLD, abi_0_1=OLD, abi_0_2=grown()),
                         ["abi_0_2.json: is of a newer minor than the headers, 0.1"])


if __name__ == "__main__":
    unittest.main()
