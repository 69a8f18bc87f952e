# Sources of the tests of core/config, for the test program of this folder.
set(SWITCHYARD_CORE_CONFIG_TESTS config_test.cpp)
