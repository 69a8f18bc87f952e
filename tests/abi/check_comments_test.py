#!/usr/bin/env python3
"""check_comments.py objects to each missing comment, and to nothing else."""
import pathlib
import tempfile
import unittest

import check_comments

GOOD = '''/* A header. */
#ifndef SWITCHYARD_THING_H
#define SWITCHYARD_THING_H

#define SY_CALL(X) \\
  f(X);

enum { SY_ONE = 1, SY_TWO = 2 };

typedef struct sy_hidden sy_hidden; /* opaque */

/* A thing. */
typedef struct sy_thing sy_thing;
struct sy_thing {
  uint32_t struct_size; /* of this struct */
  const char* name;     /* "thing" */
  /* How many things there are,
   * in all. */
  int32_t count;
  /* Does it. [any] */
  sy_status (*run)(sy_thing*, int32_t first,
                   int32_t last);
  void (*end)(sy_thing*); /* [any] */
};

SY_STATIC_ASSERT(sizeof(sy_thing) == 40, "layout");

#ifdef __cplusplus
extern "C" {
#endif
/* Makes a thing. */
SY_EXPORT sy_thing* sy_make(int32_t count,
                            const char* name);
/* Ends it. */
SY_EXPORT void sy_end(sy_thing* thing);
#ifdef __cplusplus
}
#endif
#endif
'''


class Comments(unittest.TestCase):
    def found(self, old="", new=""):
        self.assertIn(old, GOOD)
        return [problem.split(": ", 1)[1]
                for problem in check_comments.Header("thing.h", GOOD.replace(old, new)).problems()]

    def test_a_header_with_all_comments(self):
        self.assertEqual(self.found(), [])

    def test_a_field_without_a_comment(self):
        self.assertEqual(self.found(' /* "thing" */'), ["sy_thing: 'const char* name' needs a comment"])

    def test_a_comment_on_the_field_before_does_not_count(self):
        self.assertEqual(self.found("  /* How many things there are,\n   * in all. */\n"),
                         ["sy_thing: 'int32_t count' needs a comment"])

    def test_a_blank_line_parts_a_comment_from_its_field(self):
        self.assertEqual(self.found("in all. */\n", "in all. */\n\n"),
                         ["sy_thing: 'int32_t count' needs a comment"])

    def test_two_fields_on_one_line(self):
        self.assertEqual(self.found("int32_t count;", "int32_t count; int32_t most; /* of them */"),
                         ["sy_thing: 'int32_t most' needs a line of its own"])

    def test_two_fields_in_one_declaration(self):
        self.assertEqual(self.found("int32_t count;", "int32_t count, most;"),
                         ["sy_thing: 'int32_t count, most' declares more than one field"])

    def test_a_function_pointer_without_a_comment(self):
        self.assertEqual(self.found("  /* Does it. [any] */\n"),
                         ["sy_thing: 'sy_status (*run)(sy_thing*, int32_t first, int32_t last)' "
                          "needs a comment"])

    def test_a_struct_without_a_comment(self):
        self.assertEqual(self.found("/* A thing. */\n"), ["sy_thing needs a comment"])

    def test_a_function_without_a_comment(self):
        self.assertEqual(self.found("/* Makes a thing. */\n"), ["sy_make() needs a comment"])
        self.assertEqual(self.found("/* Ends it. */\n"), ["sy_end() needs a comment"])

    def test_names_file_and_line(self):
        text = GOOD.replace(' /* "thing" */', "")
        line = text.splitlines().index("  const char* name;    ") + 1
        self.assertTrue(check_comments.Header("thing.h", text).problems()[0].startswith(f"thing.h:{line}: "))

    def test_a_folder_without_headers_is_a_mistake(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(check_comments.problems(folder)), 1)
            pathlib.Path(folder, "thing.h").write_text(GOOD)
            self.assertEqual(check_comments.problems(folder), [])


if __name__ == "__main__":
    unittest.main()
