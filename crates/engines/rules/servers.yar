// Tools of attackers on servers: remote shells, web shells.

rule Shell_Reverse
{
    meta:
        description = "a script that hands a command shell to a remote host"
        kind = "backdoor"
    strings:
        $tcp = /\b(ba|z|k)?sh\s+-i\s*(>&|&>|[0-9]?>)\s*\/dev\/tcp\/[^\s\/]{1,253}\/[0-9]{1,5}\s+0?[<>]&\s?[0-9]?/
        $nc = /\b(nc|ncat|netcat)\s+(-[a-z]+\s+)*[^\s]{1,253}\s+[0-9]{1,5}\s+(-e|-c)\s+\/bin\/(ba)?sh\b/
        $nc2 = /\b(nc|ncat|netcat)\s+(-[a-z]+\s+)*(-e|-c)\s+\/bin\/(ba)?sh\s+[^\s]{1,253}\s+[0-9]{1,5}/
        $fifo = /\bmkfifo\s+\/tmp\/\S{1,40}\s*;[^\r\n]{0,80}\/bin\/(ba)?sh\s+-i\s+2>&1\s*\|\s*(nc|ncat|netcat)\s/
        $python = /\bsocket\.socket\([^\r\n]{0,200}\.connect\(\(["'][^"']{1,253}["'],\s{0,4}[0-9]{1,5}\)\)[^\r\n]{0,200}\bdup2\([^\r\n]{0,200}["']\/bin\/(ba)?sh["']/
    condition:
        // Only in a script: a text about it, such as a mail on a list, is none.
        filesize < 1MB and any of them
        and (uint16be(0) == 0x2321 or filename matches /\.(sh|bash|py|pl|command|desktop|service)$/i)
}

rule Php_WebShell
{
    meta:
        description = "a PHP page that runs what a request sends it"
        kind = "backdoor"
    strings:
        $php = /<\?(php|=)/ nocase
        $run = /\b(eval|assert|system|passthru|shell_exec|popen|proc_open|create_function)\s*\(\s*(@?\s*(base64_decode|gzinflate|gzuncompress|str_rot13|stripslashes|urldecode)\s*\(\s*){0,3}@?\$_(POST|GET|REQUEST|COOKIE|SERVER)\s*\[/ nocase
    condition:
        filesize < 1MB and $run
        and ($php in (0..256) or (filename matches /\.(php[0-9]?|phtml|inc)$/i and $php))
}

rule Jsp_WebShell
{
    meta:
        description = "a JSP page that runs what a request sends it"
        kind = "backdoor"
    strings:
        $jsp = "<%"
        $run = /Runtime\s*\.\s*getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(\s*(new\s+String\s*\[\s*\]\s*\{[^}]{0,100})?request\s*\.\s*getParameter\s*\(/
    condition:
        filesize < 1MB and $jsp in (0..1024) and $run
}
