#include "common/net/aws_sigv4.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* One published example: the request, and the signature that the publication gives. */
struct vector {
    const char *method, *path;
    struct aws_sigv4_pair query[4], headers[8];
    const char *payload, *signature;
};

static void
check(const struct vector *v, struct aws_sigv4_key key, const char *secret, const char *date)
{
    CLEANUP(secret_free_p) struct secret *secret_key = secret_new(secret, strlen(secret), NULL);
    CLEANUP(buffer_clear) struct buffer query = BUFFER_INIT(4096), out = BUFFER_INIT(4096);
    struct error err = ERROR_INIT;
    size_t queries = 0, headers = 0;
    while (queries < ARRAY_LEN(v->query) && v->query[queries].name != NULL)
        queries++;
    while (headers < ARRAY_LEN(v->headers) && v->headers[headers].name != NULL)
        headers++;
    key.secret_key = secret_key;
    assert_int_equal(aws_sigv4_query(&query, v->query, queries, &err), 0);
    const struct aws_sigv4_request request = { v->method,  v->path, buffer_text(&query, NULL),
                                               v->headers, headers, v->payload };
    assert_int_equal(aws_sigv4_sign(&key, &request, date, &out, &err), 0);
    const char *signature = strstr(buffer_text(&out, NULL), "Signature=");
    assert_non_null(signature);
    assert_string_equal(signature + strlen("Signature="), v->signature);
    assert_null(strstr(buffer_text(&out, NULL), secret));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature Calculations" */
static void
signs_the_examples_of_the_s3_documentation(void **state)
{
    (void)state;
    static const char host[] = "examplebucket.s3.amazonaws.com", date[] = "20130524T000000Z";
    static const char put_body[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const struct vector vectors[] = {
        { "GET",
          "/test.txt",
          { { NULL, NULL } },
          { { "host", host }, { "range", "bytes=0-9" }, { "x-amz-content-sha256", EMPTY }, { "x-amz-date", date } },
          EMPTY,
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
        { "PUT",
          "/test%24file.text",
          { { NULL, NULL } },
          { { "date", "Fri, 24 May 2013 00:00:00 GMT" },
            { "host", host },
            { "x-amz-content-sha256", put_body },
            { "x-amz-date", date },
            { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
          put_body,
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
        { "GET",
          "/",
          { { "lifecycle", "" } },
          { { "host", host }, { "x-amz-content-sha256", EMPTY }, { "x-amz-date", date } },
          EMPTY,
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
        { "GET",
          "/",
          { { "prefix", "J" }, { "max-keys", "2" } },
          { { "x-amz-date", date }, { "x-amz-content-sha256", EMPTY }, { "host", host } },
          EMPTY,
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
    };
    const struct aws_sigv4_key key = { "us-east-1", "s3", "AKIAIOSFODNN7EXAMPLE", NULL };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        check(&vectors[i], key, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", date);
}

/* The Signature Version 4 Test Suite: get-vanilla, get-vanilla-query-order-key-case, post-vanilla,
 * get-header-value-trim. */
static void
signs_the_test_suite(void **state)
{
    (void)state;
    static const char host[] = "example.amazonaws.com", date[] = "20150830T123600Z";
    const struct vector vectors[] = {
        { "GET",
          "/",
          { { NULL, NULL } },
          { { "host", host }, { "x-amz-date", date } },
          EMPTY,
          "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
        { "GET",
          "/",
          { { "Param2", "value2" }, { "Param1", "value1" } },
          { { "host", host }, { "x-amz-date", date } },
          EMPTY,
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
        { "POST",
          "/",
          { { NULL, NULL } },
          { { "host", host }, { "x-amz-date", date } },
          EMPTY,
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
        { "GET",
          "/",
          { { NULL, NULL } },
          { { "host", host }, { "my-header1", " value1" }, { "my-header2", " \"a   b   c\"" }, { "x-amz-date", date } },
          EMPTY,
          "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    };
    const struct aws_sigv4_key key = { "us-east-1", "service", "AKIDEXAMPLE", NULL };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        check(&vectors[i], key, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", date);
}

static void
writes_dates_and_percent_codes(void **state)
{
    (void)state;
    char date[AWS_SIGV4_DATE_LEN];
    aws_sigv4_date(1767323045999, date);
    assert_string_equal(date, "20260102T030405Z");
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(256);
    assert_int_equal(aws_sigv4_encode(&out, "a/B~_-. +\xc3\xa9", true, NULL), 0);
    assert_string_equal(buffer_text(&out, NULL), "a/B~_-.%20%2B%C3%A9");
    buffer_consume(&out, out.len);
    assert_int_equal(aws_sigv4_encode(&out, "a/b", false, NULL), 0);
    assert_string_equal(buffer_text(&out, NULL), "a%2Fb");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_the_examples_of_the_s3_documentation),
        cmocka_unit_test(signs_the_test_suite),
        cmocka_unit_test(writes_dates_and_percent_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
