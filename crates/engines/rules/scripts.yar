// Scripts that download and run, and command lines that hide what they do.

rule Script_VbsDropper
{
    meta:
        description = "a VBScript that downloads a file and runs it"
        kind = "dropper"
    strings:
        $create = /\bCreateObject\s*\(/ nocase
        $http1 = "MSXML2.XMLHTTP" nocase
        $http2 = "MSXML2.ServerXMLHTTP" nocase
        $http3 = "Microsoft.XMLHTTP" nocase
        $http4 = "WinHttp.WinHttpRequest" nocase
        $stream = "ADODB.Stream" nocase
        $save = /\.SaveToFile\b/ nocase
        $shell1 = "WScript.Shell" nocase
        $shell2 = "Shell.Application" nocase
        $run = /\.(Run|Exec|ShellExecute)\b/ nocase
    condition:
        $create and any of ($http*) and $stream and $save and any of ($shell*) and $run
}

rule Script_JsDropper
{
    meta:
        description = "a JScript that downloads a file and runs it"
        kind = "dropper"
    strings:
        $create = /\bnew\s+ActiveXObject\s*\(/ nocase
        $http1 = "MSXML2.XMLHTTP" nocase
        $http2 = "MSXML2.ServerXMLHTTP" nocase
        $http3 = "Microsoft.XMLHTTP" nocase
        $http4 = "WinHttp.WinHttpRequest" nocase
        $stream = "ADODB.Stream" nocase
        $save = /\.SaveToFile\b|\[\s*["']SaveToFile["']\s*\]/ nocase
        $shell1 = "WScript.Shell" nocase
        $shell2 = "Shell.Application" nocase
        $run = /\.(Run|Exec|ShellExecute)\b|\[\s*["'](Run|Exec|ShellExecute)["']\s*\]/ nocase
    condition:
        $create and any of ($http*) and $stream and $save and any of ($shell*) and $run
}

rule Script_RunsPowerShell
{
    meta:
        description = "a Windows script that starts a hidden PowerShell"
        kind = "dropper"
    strings:
        $object1 = /\bCreateObject\s*\(\s*["']WScript\.Shell["']/ nocase
        $object2 = /\bActiveXObject\s*\(\s*["']WScript\.Shell["']/ nocase
        $run = /\.(Run|Exec)\b/ nocase
        $hidden = /powershell(\.exe)?["']?\s[^\r\n]{0,200}[\-\/]w(in|indowstyle)?\s+(hidden|1)\b/ nocase
        $encoded = /powershell(\.exe)?["']?\s[^\r\n]{0,200}[\-\/]e(c|nc|nco|ncod|ncode|ncoded|ncodedcommand)?\s+[A-Za-z0-9+\/]{40}/ nocase
    condition:
        any of ($object*) and $run and ($hidden or $encoded)
}

rule PowerShell_EncodedCommand
{
    meta:
        description = "a PowerShell command line with an encoded script"
        kind = "dropper"
    strings:
        // UTF-16LE in base64: $..., IEX, iex, Invoke, [..., (..., Set-, powershell
        $run = /powershell(\.exe)?["']?\s+([\-\/][A-Za-z]+\s+([A-Za-z0-9]+\s+)?){0,8}[\-\/]e(c|nc|nco|ncod|ncode|ncoded|ncodedcommand)?\s+["']?(JAB|SQBFAFgA|aQBlAHgA|SQBuAHYA|aQBuAHYA|WwB|KAB|UwBlAHQA|cABvAHcA)[A-Za-z0-9+\/=]{60,}/ nocase
    condition:
        $run
}

rule PowerShell_DownloadAndRun
{
    meta:
        description = "a PowerShell command line that downloads a script and runs it unseen"
        kind = "dropper"
    strings:
        $line = /powershell(\.exe)?["']?\s[^\r\n]{0,120}[\-\/](w(in|indowstyle)?\s+(hidden|1)|nop(rofile)?|ep\s+bypass|ex(ec|ecutionpolicy)?\s+bypass)\b[^\r\n]{0,300}/ nocase
        $get1 = /\bNet\.WebClient\s*\)?\s*\.\s*Download(String|File|Data)\s*\(/ nocase
        $get2 = /\b(IWR|Invoke-WebRequest|IRM|Invoke-RestMethod|Start-BitsTransfer)\b[^\r\n]{0,60}https?:\/\// nocase
        $go1 = /\bIEX\b/ nocase
        $go2 = "Invoke-Expression" nocase
        $go3 = "Start-Process" nocase
    condition:
        $line and any of ($get*) and any of ($go*)
        // A text about it, such as a mail on a list, is no script.
        and not filename == ""
}

rule Batch_DownloadAndRun
{
    meta:
        description = "a batch file that downloads a program with a system tool and starts it"
        kind = "dropper"
    strings:
        $echo = /^\s*@?echo\s+off/ nocase
        $get1 = /\bcertutil(\.exe)?\s[^\r\n]{0,60}[\-\/]urlcache\s[^\r\n]{0,200}https?:\/\// nocase
        $get2 = /\bbitsadmin(\.exe)?\s[^\r\n]{0,40}\/transfer\s[^\r\n]{0,200}https?:\/\// nocase
        $get3 = /\bcurl(\.exe)?\s[^\r\n]{0,200}\s(-o|--output)\s+["']?%(TEMP|TMP|APPDATA|LOCALAPPDATA|PUBLIC|PROGRAMDATA)%/ nocase
        $start = /\bstart\s+(["'][^"'\r\n]{0,80}["']\s+)?(\/\w+\s+){0,3}["']?%(TEMP|TMP|APPDATA|LOCALAPPDATA|PUBLIC|PROGRAMDATA)%/ nocase
    condition:
        filesize < 1MB and $echo and any of ($get*) and $start
}

rule Hta_RunsShell
{
    meta:
        description = "an HTML application whose script starts programs"
        kind = "script"
    strings:
        $hta = /<hta:application\b/ nocase
        $script = /<script\b/ nocase
        $object = /(CreateObject|ActiveXObject|GetObject)\s*\(\s*["'](WScript\.Shell|Shell\.Application|winmgmts:)/ nocase
        $run = /\.(Run|Exec|ShellExecute|Create)\b/ nocase
    condition:
        filesize < 10MB and $hta and $script and $object and $run
}

rule Scriptlet_RunsShell
{
    meta:
        description = "a COM scriptlet that starts programs"
        kind = "script"
    strings:
        $scriptlet = /<scriptlet\b/ nocase
        $registration = /<registration\b/ nocase
        $object = /(CreateObject|ActiveXObject)\s*\(\s*["'](WScript\.Shell|Shell\.Application)/ nocase
        $run = /\.(Run|Exec|ShellExecute)\b/ nocase
    condition:
        filesize < 1MB and $scriptlet and $registration and $object and $run
}
