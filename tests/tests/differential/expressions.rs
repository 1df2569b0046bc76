//! One expression of each library that kube-apiserver has: the same user for the same claims.
//! Never the whole language: that has a suite of its own.

use crate::table::{Case, accepted, refused};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "cel-strings",
        entry: r#"
            claimMappings:
              username:
                expression: >-
                  "%s-%s".format([claims.first.lowerAscii().trim(), claims.last.replace(" ", "_")]).charAt(0)
                  + claims.last.substring(0, 2) + string(claims.last.indexOf("o")) + ["x", "y"].join("+")
        "#,
        tokens: &[
            accepted(r#"{"sub":"1","first":" Jane","last":"van Doe"}"#, "jva5x+y"),
            refused(r#"{"sub":"1","first":"Jane","last":"D"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-regex",
        entry: r#"
            claimMappings:
              username: {expression: 'claims.sub.find("[a-z]+")'}
              groups: {expression: 'claims.path.findAll("[^/]+").map(p, "/" + p)'}
        "#,
        tokens: &[
            accepted(r#"{"sub":"12jane34","path":"/a/b//c"}"#, r#"jane groups=["/a","/b","/c"]"#),
            refused(r#"{"sub":"1234","path":""}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-urls",
        entry: r#"
            claimMappings:
              username: {expression: 'url(claims.profile).getHost() + url(claims.profile).getEscapedPath()'}
            claimValidationRules:
            - expression: isURL(claims.profile) && url(claims.profile).getScheme() == "https"
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"1","profile":"https://id.example.com:8443/jane%20doe?x=1"}"#,
                "id.example.com:8443/jane%20doe",
            ),
            refused(r#"{"sub":"1","profile":"http://id.example.com/jane"}"#),
            refused(r#"{"sub":"1","profile":"::"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-addresses",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - expression: cidr("10.0.0.0/8").containsIP(ip(claims.ip)) && ip(claims.ip).family() == 4
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","ip":"10.1.2.3"}"#, "jane"),
            refused(r#"{"sub":"jane","ip":"192.168.0.1"}"#),
            refused(r#"{"sub":"jane","ip":"10.1.2"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-sets-and-lists",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {expression: 'claims.groups.distinct().sort()'}
            claimValidationRules:
            - expression: 'sets.contains(claims.groups, ["staff"]) && !sets.intersects(claims.groups, ["guests"])'
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","groups":["staff","dev","staff"]}"#,
                r#"jane groups=["dev","staff"]"#,
            ),
            refused(r#"{"sub":"jane","groups":["dev"]}"#),
            refused(r#"{"sub":"jane","groups":["staff","guests"]}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-quantities-and-versions",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - expression: quantity(claims.quota).isLessThan(quantity("2Gi"))
            - expression: semver(claims.client).compareTo(semver("1.2.0")) >= 0
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","quota":"500Mi","client":"1.10.0"}"#, "jane"),
            refused(r#"{"sub":"jane","quota":"3Gi","client":"1.10.0"}"#),
            refused(r#"{"sub":"jane","quota":"500Mi","client":"1.1.9"}"#),
            refused(r#"{"sub":"jane","quota":"much","client":"1.10.0"}"#),
            refused(r#"{"sub":"jane","quota":"500Mi","client":"one"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-formats",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - expression: '!format.dns1123Label().validate(claims.sub).hasValue()'
            - expression: '!format.uuid().validate(claims.oid).hasValue()'
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","oid":"123e4567-e89b-12d3-a456-426614174000"}"#, "jane"),
            refused(r#"{"sub":"Jane Doe","oid":"123e4567-e89b-12d3-a456-426614174000"}"#),
            refused(r#"{"sub":"jane","oid":"123"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-optional",
        entry: r#"
            claimMappings:
              username: {expression: 'claims.?nickname.optMap(n, "nick:" + n).orValue(claims.sub)'}
              groups: {expression: 'claims[?"https://example.com/groups"].orValue([])'}
        "#,
        tokens: &[
            accepted(r#"{"sub":"1","nickname":"jj"}"#, "nick:jj"),
            accepted(
                r#"{"sub":"jane","https://example.com/groups":["dev"]}"#,
                r#"jane groups=["dev"]"#,
            ),
            refused(r#"{"sub":"1","nickname":5}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-two-variables",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {expression: 'dyn(claims.teams).transformList(i, t, string(i) + ":" + t)'}
            claimValidationRules:
            - expression: 'dyn(claims.roles).all(k, v, k.size() < 10 && v)'
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","teams":["a","b"],"roles":{"x":true}}"#,
                r#"jane groups=["0:a","1:b"]"#,
            ),
            refused(r#"{"sub":"jane","teams":["a"],"roles":{"x":true,"y":false}}"#),
            refused(r#"{"sub":"jane","teams":[1],"roles":{}}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-times",
        entry: r#"
            claimMappings:
              username: {expression: 'claims.sub + string(timestamp(claims.born).getFullYear())'}
            claimValidationRules:
            - expression: timestamp(claims.until) - timestamp(claims.born) > duration("24h")
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","born":"2001-02-03T04:05:06Z","until":"2002-02-03T04:05:06+02:00"}"#,
                "jane2001",
            ),
            refused(
                r#"{"sub":"jane","born":"2001-02-03T04:05:06Z","until":"2001-02-03T05:05:06Z"}"#,
            ),
            refused(r#"{"sub":"jane","born":"yesterday","until":"2001-02-03T05:05:06Z"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-numbers",
        entry: r#"
            claimMappings:
              username: {expression: '"u" + string(int(claims.number) / 2) + "-" + string(claims.number * 1.0)'}
            claimValidationRules:
            - expression: claims.number > 1 && claims.number != 13 && claims.number < 9007199254740993.0
        "#,
        tokens: &[
            accepted(r#"{"sub":"1","number":7}"#, "u3-7"),
            accepted(r#"{"sub":"1","number":7.9}"#, "u3-7.9"),
            refused(r#"{"sub":"1","number":13}"#),
            refused(r#"{"sub":"1","number":9007199254740993}"#),
            refused(r#"{"sub":"1","number":"7"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-errors-are-absorbed",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - expression: 'claims.missing == "x" || claims.sub == "jane"'
            - expression: '!(claims.missing == "x" && claims.sub == "joe")'
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane"}"#, "jane"),
            accepted(r#"{"sub":"jim","missing":"x"}"#, "jim"),
            refused(r#"{"sub":"jim"}"#),
            refused(r#"{"sub":"joe","missing":"x"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cel-escaped-names",
        entry: r#"
            claimMappings:
              username: {expression: 'claims.user__dash__name + claims["user.name"]'}
        "#,
        tokens: &[accepted(
            r#"{"sub":"1","user-name":"a","user.name":"b","user__dash__name":"c"}"#,
            "ab",
        )],
        ..Case::PLAIN
    },
    Case {
        name: "cel-too-expensive",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
            claimValidationRules:
            - expression: >-
                dyn(claims.l).all(a, dyn(claims.l).all(b, dyn(claims.l).all(c, dyn(claims.l).all(d,
                dyn(claims.l).all(e, a + b + c + d + e >= 0.0)))))
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","l":[1,2,3]}"#, "jane"),
            refused(r#"{"sub":"jane","l":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}"#),
        ],
        ..Case::PLAIN
    },
];
