/* SPDX-License-Identifier: MIT
 * Claims that must be refused though the signature is right. */
#include "tests/unit/test_token_world.h"

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define CLAIM(name, payload, reason)                                                               \
    {                                                                                              \
        name, KEYS_ALL, BY_SECRET, HS, payload, reason, NULL, NULL                                 \
    }
#define EXP(value) "{'sub':'drone-1','exp':" value "}"

static const struct forged forged_claims[] = {
    CLAIM("payload a list", "[" GOOD "]", "bad claims"),
    CLAIM("payload a string", "'drone-1'", "bad claims"),
    CLAIM("payload empty", "", "bad claims"),
    CLAIM("payload cut", "{'sub':'drone-1','exp':1800003600", "bad claims"),
    CLAIM("exp twice", "{'sub':'drone-1','exp':1,'exp':1800003600}", "bad claims"),
    CLAIM("sub twice, once escaped", "{'sub':'a','\\u0073ub':'admin','exp':1800003600}",
          "bad claims"),
    CLAIM("payload not UTF-8", ALSO("'x':'\xc0\xaf'"), "bad claims"),
    CLAIM("payload with something behind", GOOD "x", "bad claims"),
    CLAIM("exp missing", "{'sub':'drone-1'}", "no exp"),
    CLAIM("exp in capitals", "{'sub':'drone-1','EXP':1800003600}", "no exp"),
    CLAIM("exp a string", EXP("'1800003600'"), "bad exp"),
    CLAIM("exp null", EXP("null"), "bad exp"),
    CLAIM("exp true", EXP("true"), "bad exp"),
    CLAIM("exp a list", EXP("[1800003600]"), "bad exp"),
    CLAIM("exp negative", EXP("-1"), "bad exp"),
    CLAIM("exp minus zero", EXP("-0"), "bad exp"),
    CLAIM("exp NaN", EXP("NaN"), "bad claims"),
    CLAIM("exp Infinity", EXP("Infinity"), "bad claims"),
    CLAIM("exp hexadecimal", EXP("0x7fffffff"), "bad claims"),
    CLAIM("exp with a plus", EXP("+1800003600"), "bad claims"),
    CLAIM("exp 1e400", EXP("1e400"), "bad exp"),
    CLAIM("exp 1e99999999999999999999", EXP("1e99999999999999999999"), "bad exp"),
    CLAIM("exp 2^63", EXP("9223372036854775808"), "bad exp"),
    CLAIM("exp 2^64 and an hour", EXP("18446744075509555216"), "bad exp"),
    CLAIM("exp after 9999", EXP("253402300800"), "bad exp"),
    CLAIM("exp in milliseconds", EXP("1800003600000"), "bad exp"),
    CLAIM("exp zero", EXP("0"), "expired"),
    CLAIM("exp very small", EXP("1e-400"), "expired"),
    CLAIM("exp now", EXP("1800000000"), "expired"),
    CLAIM("exp a millisecond ago", EXP("1799999999.999"), "expired"),
    CLAIM("exp less than a millisecond away", EXP("1800000000.0009"), "expired"),
    CLAIM("nbf in the future", ALSO("'nbf':1800000001"), "not valid yet"),
    CLAIM("nbf a millisecond away", ALSO("'nbf':1800000000.001"), "not valid yet"),
    CLAIM("nbf a string", ALSO("'nbf':'0'"), "bad nbf"),
    CLAIM("nbf huge", ALSO("'nbf':1e300"), "bad nbf"),
    CLAIM("iat in the future", ALSO("'iat':1800000001"), "issued in the future"),
    CLAIM("iat a list", ALSO("'iat':[]"), "bad iat"),
    CLAIM("iat negative", ALSO("'iat':-1"), "bad iat"),
    CLAIM("nobody", "{'exp':1800003600}", "no id"),
    CLAIM("nobody, ids empty", "{'exp':1800003600,'ids':[]}", "no id"),
    CLAIM("sub empty", "{'sub':'','exp':1800003600}", "bad sub"),
    CLAIM("sub a number", "{'sub':1,'exp':1800003600}", "bad sub"),
    CLAIM("sub null", "{'sub':null,'exp':1800003600}", "bad sub"),
    CLAIM("sub a list", "{'sub':['a'],'exp':1800003600}", "bad sub"),
    CLAIM("sub a glob", "{'sub':'*','exp':1800003600}", "bad sub"),
    CLAIM("sub with a blank", "{'sub':'drone 1','exp':1800003600}", "bad sub"),
    CLAIM("sub with a line end", "{'sub':'drone-1\\n','exp':1800003600}", "bad sub"),
    CLAIM("sub with U+0000", "{'sub':'drone-1\\u0000x','exp':1800003600}", "bad sub"),
    CLAIM("sub too long", "{'sub':'a" LONG LONG LONG LONG "','exp':1800003600}", "bad sub"),
    CLAIM("userId a number", "{'userId':7,'exp':1800003600}", "bad userId"),
    CLAIM("userId bad beside sub", ALSO("'userId':'a/b'"), "bad userId"),
    CLAIM("sub and userId differ", ALSO("'userId':'drone-2'"), "sub and userId differ"),
    CLAIM("sub and userId differ in case", ALSO("'userId':'Drone-1'"), "sub and userId differ"),
    CLAIM("ids an object", ALSO("'ids':{'a':1}"), "bad ids"),
    CLAIM("ids a number", ALSO("'ids':1"), "bad ids"),
    CLAIM("ids with a number", ALSO("'ids':['a',1]"), "bad ids"),
    CLAIM("ids with a list", ALSO("'ids':[['*']]"), "bad ids"),
    CLAIM("ids with an empty one", ALSO("'ids':['']"), "bad ids"),
    CLAIM("ids with a blank", ALSO("'ids':['a b']"), "bad ids"),
    CLAIM("ids with a class", ALSO("'ids':['[a-z]*']"), "bad ids"),
    CLAIM("ids too long", ALSO("'ids':['a" LONG LONG LONG LONG "']"), "bad ids"),
    CLAIM("ids too many",
          ALSO("'ids':['1','2','3','4','5','6','7','8','9','a','b','c','d','e','f','g','h']"),
          "too many ids"),
    CLAIM("role empty", ALSO("'role':''"), "bad role"),
    CLAIM("role a list", ALSO("'role':['admin']"), "bad role"),
    CLAIM("role with a blank", ALSO("'role':'admin '"), "bad role"),
    CLAIM("role too long", ALSO("'role':'a" LONG "'"), "bad role"),
    CLAIM("iss a number", ALSO("'iss':1"), "bad iss"),
    CLAIM("aud a number", ALSO("'aud':1"), "bad aud"),
    CLAIM("aud with a number", ALSO("'aud':['a',1]"), "bad aud"),
    CLAIM("aud an object", ALSO("'aud':{}"), "bad aud"),
};

static const struct forged forged_origin[] = {
    CLAIM("iss missing", ALSO("'aud':'sigd'"), "no iss"),
    CLAIM("iss another", ALSO("'aud':'sigd','iss':'https://evil.example'"), "wrong iss"),
    CLAIM("iss longer", ALSO("'aud':'sigd','iss':'https://id.example/'"), "wrong iss"),
    CLAIM("iss shorter", ALSO("'aud':'sigd','iss':'https://id.exampl'"), "wrong iss"),
    CLAIM("iss in capitals", ALSO("'aud':'sigd','iss':'HTTPS://ID.EXAMPLE'"), "wrong iss"),
    CLAIM("iss with U+0000", ALSO("'aud':'sigd','iss':'https://id.example\\u0000'"), "bad iss"),
    CLAIM("iss a list", ALSO("'aud':'sigd','iss':['https://id.example']"), "bad iss"),
    CLAIM("aud missing", ALSO("'iss':'https://id.example'"), "no aud"),
    CLAIM("aud another", ALSO("'iss':'https://id.example','aud':'turn'"), "wrong aud"),
    CLAIM("aud a glob", ALSO("'iss':'https://id.example','aud':'*'"), "wrong aud"),
    CLAIM("aud empty", ALSO("'iss':'https://id.example','aud':''"), "wrong aud"),
    CLAIM("aud a list without us", ALSO("'iss':'https://id.example','aud':['a','b']"), "wrong aud"),
    CLAIM("aud an empty list", ALSO("'iss':'https://id.example','aud':[]"), "wrong aud"),
    CLAIM("aud a list in a list", ALSO("'iss':'https://id.example','aud':[['sigd']]"), "bad aud"),
    CLAIM("aud ours and a number", ALSO("'iss':'https://id.example','aud':['sigd',1]"), "bad aud"),
    CLAIM("aud null", ALSO("'iss':'https://id.example','aud':null"), "bad aud"),
};

static void test_forged_claims(void **state)
{
    (void)state;
    world_try(forged_claims, sizeof(forged_claims) / sizeof(forged_claims[0]), NULL);
}

static void test_forged_origin(void **state)
{
    (void)state;
    static const struct token_policy policy = {.issuer = "https://id.example", .audience = "sigd"};
    world_try(forged_origin, sizeof(forged_origin) / sizeof(forged_origin[0]), &policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_claims),
        cmocka_unit_test(test_forged_origin),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
