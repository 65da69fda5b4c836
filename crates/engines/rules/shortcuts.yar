// Shortcuts and other small files that Windows opens with more effect than their icon suggests.

rule Lnk_RunsScript
{
    meta:
        description = "a Windows shortcut whose target is a script host with a hidden or remote command"
        kind = "dropper"
    strings:
        $powershell = "powershell" ascii wide nocase
        $mshta = "mshta" ascii wide nocase
        $cmd = "cmd.exe" ascii wide nocase
        $remote1 = "http://" ascii wide nocase
        $remote2 = "https://" ascii wide nocase
        $hidden1 = "-w hidden" ascii wide nocase
        $hidden2 = "-windowstyle hidden" ascii wide nocase
        $hidden3 = "-enc" ascii wide nocase
        $hidden4 = "-ep bypass" ascii wide nocase
        $hidden5 = "executionpolicy bypass" ascii wide nocase
        $chain1 = "/c start" ascii wide nocase
        $chain2 = "/c curl" ascii wide nocase
        $chain3 = "/c certutil" ascii wide nocase
        $chain4 = "/c copy" ascii wide nocase
        $chain5 = "/c for /" ascii wide nocase
    condition:
        uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200
        and (
            ($powershell and (any of ($hidden*) or any of ($remote*)))
            or ($mshta and any of ($remote*))
            or ($cmd and any of ($chain*))
        )
}

rule Url_RemoteProgram
{
    meta:
        description = "an Internet shortcut that opens a program or script from a remote share"
        kind = "dropper"
    strings:
        $section = /^\xEF?\xBB?\xBF?\s*\[InternetShortcut\]/ nocase
        $target = /[\r\n]\s*URL\s*=\s*(file:[\/\\]{2,5}|\\\\)[^\/\\\r\n]{2,200}[\/\\][^\r\n]{1,400}\.(exe|scr|com|pif|cmd|bat|js|jse|vbs|vbe|wsf|hta|lnk|msi|url|zip|cpl|dll|ps1)["']?\s*([\r\n]|$)/ nocase
    condition:
        filesize < 64KB and $section and $target
}

rule Library_RemoteFolder
{
    meta:
        description = "a Windows library file that shows a remote folder as if it were local"
        kind = "dropper"
    strings:
        $library = "schemas.microsoft.com/windows/2009/library"
        $url = /<url>\s{0,20}(\\\\|https?:\/\/)[^<\r\n]{2,400}<\/url>/ nocase
    condition:
        filesize < 64KB and $library and $url
}
